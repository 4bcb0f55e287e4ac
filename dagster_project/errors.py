"""What can go wrong in a way a person can mend: each error carries its one-line messages and the exit code."""

from __future__ import annotations

from collections.abc import Iterable


class LeadhouseError(Exception):
    """A problem told in plain lines. `messages` holds one line per problem, `exit_code` what the command ends with."""

    exit_code: int = 1

    def __init__(self, messages: str | Iterable[str]) -> None:
        self.messages: tuple[str, ...] = (messages,) if isinstance(messages, str) else tuple(messages)
        super().__init__("\n".join(self.messages))


class CriticalProblem(LeadhouseError):  # noqa: N818 - named for what it tells
    """A load or check that must not be published: the last good warehouse stays."""

    exit_code = 1


class BrokerageBusy(CriticalProblem):
    """Another process holds the brokerage for too long: later it may be free."""


class EngineProblem(CriticalProblem):
    """The engine failed over something that no file explains: what it works on may be damaged."""


class ConfigError(LeadhouseError):
    """The configuration cannot be used: nothing was touched."""

    exit_code = 2


class StaleSources(CriticalProblem):
    """Sources whose data end too long before those of the newest one: a default `as_of` would leave them out."""


class SourceUnreachable(LeadhouseError):  # noqa: N818 - named for what it tells
    """A source's folder or service is not there. `source`: its name, where it is one of the configuration's."""

    exit_code = 3

    def __init__(self, messages: str | Iterable[str], source: str = "") -> None:
        super().__init__(messages)
        self.source = source
