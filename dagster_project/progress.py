"""What a person sees of long work: on a terminal a moving line that says what is going on, elsewhere plain lines."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from dagster_project.terminal import printable

if TYPE_CHECKING:
    from rich.status import Status


class Progress(AbstractContextManager["Progress"]):
    """Lines on standard error, so that output can be piped; `with Progress() as progress: progress.say(...)`."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("starting")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def say(self, line: str) -> None:
        """A line that stays."""
        print(printable(line), file=sys.stderr, flush=True)

    def step(self, text: str) -> None:
        """What is going on now."""
        if self._status is None:
            self.say(text)
        self.detail(text)

    def detail(self, text: str) -> None:
        """How far that is: on a terminal only."""
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(printable(text)))  # names of files are no markup
