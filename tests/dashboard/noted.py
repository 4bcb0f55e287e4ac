"""A `state.sqlite` with invented builds and alerts, for tests of the pages. Its checks are those of `published`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster_project.state import Alert, Attempt, Mute, OffendingRow, Result, open_state

NOW = datetime.now(UTC).replace(microsecond=0)  # the pages and mutes go by the clock
ATTACK = "<img src=x onerror=alert(1)> :red[x] [l](javascript:alert(1)) $x$ `c` | ~~s~~ 🙂 :smile:"
FRESH = ("source_is_fresh", "ads")
MAPPED = ("sources_mapped", "inquiries")
UNIQUE = ("inquiries_unique", "inquiries")


def attempt(back: int = 0, status: str = "published", **changes: object) -> Attempt:
    """The build of `back` days ago. That of today made the published file, if it was published."""
    end = NOW - timedelta(days=back)
    build_id = "b1" if status == "published" and back == 0 else f"n{back}"
    made = Attempt(build_id, end - timedelta(seconds=70), end, status, "schedule", end - timedelta(hours=4))
    return replace(made, **changes)  # type: ignore[arg-type]


def result(
    of: Attempt, key: tuple[str, str], status: str = "passed", observed: str = "3 rows as expected", **changes: object
) -> Result:
    """What a check found in a build."""
    words = ("warning", status, observed, "at most 5 %", "operations", "Why it matters.", "Mend it.", ("crm",))
    return replace(Result(of.build_id, *key, "arrival", *words, of.finished_at), **changes)  # type: ignore[arg-type]


def alert(key: tuple[str, str] = FRESH, severity: str = "warning", days: int = 2, **changes: object) -> Alert:
    """An alert that was opened `days` days ago, named after its check as the build names it."""
    title = key[0].replace("_", " ")
    words = (severity, "operations", title, "5.0 days behind", "at most 3 days", "Export it again.", ("ads",))
    return replace(Alert(0, *key, *words, NOW - timedelta(days=days), NOW, days + 1), **changes)  # type: ignore[arg-type]


def row(key: tuple[str, str] = FRESH, line: int | None = 40, **changes: object) -> OffendingRow:
    """A row that could not be read; the published file has its raw text."""
    place = ("crm", "inquiries", "inquiries-2025.csv", line, None, "no time")
    return replace(OffendingRow(*key, *place), **changes)  # type: ignore[arg-type]


def mute(key: tuple[str, str] = FRESH, days: int = 3, **changes: object) -> Mute:
    """A mute of `days` more days."""
    made = Mute(*key, NOW + timedelta(days=days), "Ben", "known, the vendor mends it", NOW - timedelta(days=1))
    return replace(made, **changes)  # type: ignore[arg-type]


def fill(
    path: Path,
    alerts: Iterable[Alert] = (),
    rows: Sequence[OffendingRow] = (),
    mutes: Iterable[Mute] = (),
    builds: Iterable[tuple[Attempt, list[Result]]] = (),
) -> list[Alert]:
    """Write a state; returns the alerts with their numbers. `rows` are those of the last of the `builds`."""
    with open_state(path) as state:
        for made, results in builds or [(attempt(), [])]:
            state.record_attempt(made, results, rows)
        for one in mutes:
            state.mute(one)
        return [state.open_alert(one) for one in alerts]
