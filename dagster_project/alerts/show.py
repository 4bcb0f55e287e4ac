"""Alerts in words for a terminal, and as JSON. Text of files is written out, so that it can move no cursor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dagster_project.state import Alert, Delivery, Mute, OffendingRow, Result
from dagster_project.terminal import printable

_WIDTH = 60
_ROWS = 50


def as_json(alerts: Iterable[Alert], mutes: Iterable[Mute]) -> str:
    """A list of alerts with all their fields, each with its mute or null."""
    muted = {(mute.check_name, mute.subject): asdict(mute) for mute in mutes}
    found: list[dict[str, Any]] = [
        {**asdict(alert), "mute": muted.get((alert.check_name, alert.subject))} for alert in alerts
    ]
    return json.dumps(found, indent=1, ensure_ascii=False, default=lambda value: value.isoformat())


def as_table(alerts: Sequence[Alert], mutes: Iterable[Mute], zone: ZoneInfo) -> str:
    """One line an alert."""
    muted = {(mute.check_name, mute.subject): mute for mute in mutes}
    cells = [["id", "severity", "since", "owner", "what", "where", "noted"]]
    for alert in alerts:
        noted = status(alert, muted.get((alert.check_name, alert.subject)), zone)
        since = _moment(alert.opened_at, zone)
        cells.append(
            [str(alert.alert_id), alert.severity, since, alert.owner, _cut(alert.title), _cut(alert.subject), noted]
        )
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def status(alert: Alert, mute: Mute | None, zone: ZoneInfo) -> str:
    """`mended 2026-11-25 08:00`, `acknowledged by olga`, `muted until ...`: what people did about it."""
    if alert.cleared_at is not None:
        return f"mended {_moment(alert.cleared_at, zone)}"
    parts = []
    if alert.acknowledged_at is not None:
        parts.append(f"acknowledged by {printable(alert.acknowledged_by)}")
    if mute is not None:
        words = " for warnings only" if alert.severity == "critical" and mute.severity != "critical" else ""
        parts.append(f"muted until {_moment(mute.until, zone)}{words}")
    return ", ".join(parts)


def whole(
    alert: Alert,
    mute: Mute | None,
    rows: Sequence[OffendingRow],
    history: Sequence[Result],
    deliveries: Sequence[Delivery],
    zone: ZoneInfo,
) -> str:
    """One alert with the rows it is about, what its check found attempt after attempt, and what was told."""
    lines = {
        "severity": alert.severity,
        "check": f"{alert.check_name} on {alert.subject}",
        "found": alert.observed,
        "expected": alert.expected,
        "affected": ", ".join(alert.offenders),
        "to do": alert.what_to_do,
        "owner": alert.owner,
        "since": f"{_moment(alert.opened_at, zone)}, seen {alert.seen} times, last {_moment(alert.last_seen_at, zone)}",
        "noted": status(alert, mute, zone),
        "note": alert.note or "",
        "told": _moment(alert.told_at, zone) if alert.told_at else "nobody yet",
    }
    if mute is not None:
        lines["mute"] = f"{mute.reason} ({mute.muted_by})"
    parts = [f"alert {alert.alert_id}: {printable(alert.title)}"]
    parts += [f"  {name:<9} {printable(value)}" for name, value in lines.items() if value]
    if rows:
        parts.append(f"\nrows ({len(rows)}):")
        parts += [f"  {_row(row)}" for row in rows[:_ROWS]]
        parts += [f"  and {len(rows) - _ROWS} more"] if len(rows) > _ROWS else []
    if history:
        parts.append("\nattempts:")
        parts += [
            f"  {_moment(item.checked_at, zone)}  {item.status:<6}  {_cut(item.observed, 100)}" for item in history
        ]
    if deliveries:
        parts.append("\nlatest messages:")
        parts += [
            f"  {_moment(item.sent_at, zone)}  {item.channel}: {item.status}  {_cut(item.subject, 100)}"
            for item in deliveries
        ]
    return "\n".join(parts)


def _row(row: OffendingRow) -> str:
    place = "/".join(part for part in (row.source, row.file) if part) or row.entity or ""
    line = f", line {row.line}" if row.line is not None else ""
    words = [f"{place}{line}", row.entity if place != row.entity else "", row.row_id, row.note]
    return "  ".join(printable(word) for word in words if word)


def _cut(text: str, width: int = _WIDTH) -> str:
    clean = printable(text)
    return clean if len(clean) <= width else f"{clean[: width - 1]}…"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
