"""Section 1: instants, local time, weeks, open hours."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from .model import Hours

MICROSECOND = timedelta(microseconds=1)

_INSTANT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
    r"\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.IGNORECASE,
)


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """An ISO 8601 instant as UTC; without an offset it is local to `zone`. ValueError when it is none."""
    match = _INSTANT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not an instant: {text!r}")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    fraction = (fraction or "0")[:6].ljust(6, "0")
    clock = time(int(hour or 0), int(minute or 0), int(second or 0), int(fraction))
    local = datetime.combine(date(int(year), int(month), int(day)), clock)
    if offset is None:
        return local_to_utc(local, zone)
    if offset in "Zz":
        return local.replace(tzinfo=UTC)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    shift = timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    return local.replace(tzinfo=timezone(shift)).astimezone(UTC)


def local_to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A naive local time as UTC: moved forward out of a gap; the second (standard-time) one of two.

    Both follow from taking the smaller of the two offsets that the zone offers for that reading of the clock.
    """
    first = local.replace(tzinfo=zone, fold=0).utcoffset()
    second = local.replace(tzinfo=zone, fold=1).utcoffset()
    assert first is not None
    assert second is not None
    return (local - min(first, second)).replace(tzinfo=UTC)


def to_local(instant: datetime, zone: ZoneInfo) -> datetime:
    """The naive local time of an instant."""
    return instant.astimezone(zone).replace(tzinfo=None)


def at_minute(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant at which the local clock of `day` shows so many minutes since midnight."""
    return local_to_utc(datetime.combine(day, time()) + timedelta(minutes=minutes), zone)


def week_of(day: date, week_start: str) -> date:
    """The first day of the reporting week in which `day` lies."""
    since = day.weekday() if week_start == "monday" else (day.weekday() + 1) % 7
    return day - timedelta(days=since)


def microseconds(span: timedelta) -> int:
    """A span in whole microseconds."""
    return span // MICROSECOND


def is_open(instant: datetime, hours: Hours | None, zone: ZoneInfo) -> bool:
    """Whether the instant lies in open hours, [open, close)."""
    if hours is None:
        return True
    local = to_local(instant, zone)
    since_midnight = timedelta(
        hours=local.hour,
        minutes=local.minute,
        seconds=local.second,
        microseconds=local.microsecond,
    )
    return any(
        timedelta(minutes=opens) <= since_midnight < timedelta(minutes=closes)
        for opens, closes in hours.of_day(local.date())
    )


def open_spans(first: date, last: date, hours: Hours, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The open intervals of the local days `first` to `last`, as instants."""
    spans = []
    day = first
    while day <= last:
        for opens, closes in hours.of_day(day):
            spans.append((at_minute(day, opens, zone), at_minute(day, closes, zone)))
        day += timedelta(days=1)
    return spans


def business_seconds(start: datetime, end: datetime, hours: Hours | None, zone: ZoneInfo) -> float:
    """The seconds between two instants that lie in open hours."""
    if hours is None:
        return (end - start).total_seconds()
    first, last = to_local(start, zone).date(), to_local(end, zone).date()
    total = timedelta()
    for opens, closes in open_spans(first, last, hours, zone):
        total += max(min(end, closes) - max(start, opens), timedelta())
    return total.total_seconds()
