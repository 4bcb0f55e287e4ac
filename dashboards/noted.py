"""What people noted and what past builds found: `state.sqlite`, read for a page, and the few things it may write.

All that is written here are acknowledgements and mutes. The page never fails for the state's sake: what is wrong with
the file is one line in `Noted.problem`, and the rest of the page is drawn without it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster_project.state import Alert, Attempt, Mute, OffendingRow, Result, StateError, open_state, read_state
from dashboards import queries

BUILDS_SHOWN = 100
MENDED_SHOWN = 10
HISTORY_SHOWN = 30
LONGEST_MUTE_DAYS = 90
"""Whatever is muted for longer is a check to change, not an alert to silence."""

Key = tuple[str, str]
"""What a result and an alert are about: check and subject."""


@dataclass(frozen=True)
class Noted:
    """The state at one moment. `problem`: why it could not be read; `is_there`: whether there is a file at all."""

    alerts: Sequence[Alert] = ()
    mended: Sequence[Alert] = ()
    mutes: Sequence[Mute] = ()
    attempts: Sequence[Attempt] = ()
    last_results: Sequence[Result] = ()
    is_there: bool = False
    problem: str = ""

    def mute_of(self, alert: Alert) -> Mute | None:
        """The mute that silences an alert. One made for a warning does not silence what became critical."""
        for mute in self.mutes:
            if (mute.check_name, mute.subject) == (alert.check_name, alert.subject):
                made_for = getattr(mute, "severity", "") or alert.severity
                return None if alert.severity == "critical" != made_for else mute
        return None

    @property
    def speaking(self) -> list[Alert]:
        """The open alerts that nobody muted."""
        return [alert for alert in self.alerts if self.mute_of(alert) is None]

    @property
    def silent(self) -> list[Alert]:
        """The open alerts that somebody muted."""
        return [alert for alert in self.alerts if self.mute_of(alert) is not None]


def path() -> Path:
    """Where the state is: `LEADHOUSE_STATE`, else beside the published file."""
    named = os.environ.get("LEADHOUSE_STATE")
    return Path(named) if named else queries.beside(queries.warehouse_path(), "state.sqlite")


def read_alerts() -> Noted:
    """The open alerts and the mutes as they are now, without the builds."""
    try:
        with read_state(path()) as state:
            return Noted(alerts=state.alerts(), mutes=state.mutes(datetime.now(UTC)), is_there=path().is_file())
    except StateError as error:
        return Noted(is_there=True, problem=str(error))


def read() -> Noted:
    """The state as it is now."""
    try:
        with read_state(path()) as state:
            attempts = state.attempts(BUILDS_SHOWN)
            mended = [one for one in state.alerts(open_only=False) if one.cleared_at]
            mended.sort(key=lambda one: (one.cleared_at, one.alert_id), reverse=True)
            return Noted(
                alerts=state.alerts(),
                mended=mended[:MENDED_SHOWN],
                mutes=state.mutes(datetime.now(UTC)),
                attempts=attempts,
                last_results=state.results(attempts[0].build_id) if attempts else (),
                is_there=path().is_file(),
            )
    except StateError as error:
        return Noted(is_there=True, problem=str(error))


def alert(alert_id: int) -> Alert | None:
    """One alert, open or mended; none where there is no such one. Raises StateError."""
    with read_state(path()) as state:
        return state.alert(alert_id)


def history(keys: Sequence[Key], limit: int = HISTORY_SHOWN) -> dict[Key, list[Result]]:
    """What checks found in build after build, each oldest first. Raises StateError."""
    with read_state(path()) as state:
        return {key: state.history(*key, limit)[::-1] for key in keys}


def rows(key: Key) -> list[OffendingRow]:
    """The rows that a check of the latest attempt is about. Raises StateError."""
    with read_state(path()) as state:
        return state.rows(*key)


def acknowledge(alert_id: int, by: str, note: str) -> bool:
    """Note that somebody looks after an alert; false where it is no longer open. Raises StateError."""
    with open_state(path()) as state:
        return state.acknowledge(alert_id, by, note, datetime.now(UTC))


def mute(key: Key, days: int, by: str, reason: str) -> Mute:
    """Say nothing of a check about a subject for some days (1 to 90). Raises StateError."""
    now = datetime.now(UTC)
    muted = Mute(*key, now + timedelta(days=min(max(days, 1), LONGEST_MUTE_DAYS)), by, reason, now)
    with open_state(path()) as state:
        state.mute(muted)
    return muted


def unmute(key: Key) -> None:
    """Speak of it again. Raises StateError."""
    with open_state(path()) as state:
        state.unmute(*key)
