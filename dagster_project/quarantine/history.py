"""Counts of quarantined rows over time, from what every publish left in the history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from dagster_project.config import Config

COLUMNS = ("week_start", "published_at", "source", "entity", "reason", "rows", "change")
_STAMP = re.compile(r"(\d{8}T\d{6}Z)-.+")


@dataclass(frozen=True)
class Count:
    """Rows set aside at the last publish of a week; `change` against the week shown before it, null in the first."""

    week_start: date
    published_at: datetime
    source: str
    entity: str
    reason: str
    rows: int
    change: int | None


def read_history(config: Config, weeks: int) -> list[Count]:
    """The last publish of each of the latest `weeks` weeks that have one, the oldest first.

    Weeks are the brokerage's. What was set aside in one of them is there with 0 in the next ones.
    """
    found: list[Count] = []
    before: dict[tuple[str, str, str], int] | None = None
    for week, (published_at, path) in sorted(_last_of_weeks(config).items())[-weeks:]:
        table = pq.read_table(path, columns=["source", "entity", "reason", "rows"]).to_pylist()
        now = {(row["source"], row["entity"], row["reason"]): int(row["rows"]) for row in table}
        for source, entity, reason in sorted(now.keys() | (before or {}).keys()):
            rows = now.get((source, entity, reason), 0)
            change = None if before is None else rows - before.get((source, entity, reason), 0)
            found.append(Count(week, published_at, source, entity, reason, rows, change))
        before = dict.fromkeys(before or {}, 0) | now
    return found


def _last_of_weeks(config: Config) -> dict[date, tuple[datetime, Path]]:
    last: dict[date, tuple[datetime, Path]] = {}
    first_day = 6 if config.brokerage.week_start == "sunday" else 0
    for path in sorted((config.history_dir / "quarantine_counts").glob("*.parquet")):
        stamp = _STAMP.fullmatch(path.stem)
        if stamp:
            published_at = datetime.strptime(stamp[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            day = published_at.astimezone(config.zone).date()
            last[day - timedelta(days=(day.weekday() - first_day) % 7)] = published_at, path
    return last


def as_table(counts: list[Count]) -> str:
    """One line a source, entity and reason, one column a week."""
    weeks = sorted({count.week_start for count in counts})
    cells = [["source", "entity", "reason", *(week.isoformat() for week in weeks)]]
    rows = {(count.source, count.entity, count.reason, count.week_start): count.rows for count in counts}
    for key in sorted({(count.source, count.entity, count.reason) for count in counts}):
        cells.append([*key, *(f"{rows[(*key, week)]:,}" if (*key, week) in rows else "-" for week in weeks)])
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place < 3 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )
