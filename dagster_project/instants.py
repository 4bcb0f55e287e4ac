"""Time as METRICS.md section 1 has it: ISO text and local times to UTC, in microseconds, never shifted twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

TimeFlag = Literal["gap", "repeated"]

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Years outside are typing errors (0202, 20233, 9999): refused, so that no later arithmetic can overflow."""

_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ]\s*(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?)?)?",
    re.IGNORECASE | re.ASCII,
)
_BASIC = re.compile(
    r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,12}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)


class Unreadable(ValueError):  # noqa: N818 - named for what it tells
    """A text that is not what its column holds; the message says what was expected."""


def local_to_utc(naive: datetime, zone: ZoneInfo) -> tuple[datetime, TimeFlag | None]:
    """A local time without an offset, as UTC, and whether it was in a gap or exists twice.

    A time in the spring gap moves forward by the gap; one that exists twice is the second, standard-time one. Of the
    two offsets that Python offers the smaller is right in both cases.
    """
    first = naive.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    second = naive.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    moment = (naive - min(first, second)).replace(tzinfo=UTC)
    if first == second:
        return moment, None
    return moment, "gap" if first < second else "repeated"


def in_range(moment: datetime) -> datetime:
    """The same moment; raises Unreadable where its year is absurd."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Unreadable(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def parse_iso(text: str) -> datetime:
    """ISO 8601 text, date alone or with a time; aware where it carries an offset. Raises Unreadable.

    Fractions beyond microseconds are cut off, not rounded: rounding up could move an instant past midnight.
    """
    match = _ISO.fullmatch(text) or _BASIC.fullmatch(text)
    if match is None:
        raise Unreadable("an instant such as 2026-11-24 09:30:00 or 2026-11-24T09:30:00-05:00")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise Unreadable(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    days = 0
    if hour == "24" and minute == "00" and not int(second or 0) and not int(fraction or 0):
        hour, days = "00", 1
    try:
        moment = datetime(  # noqa: DTZ001 - local until a zone is applied
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
        )
    except ValueError:
        raise Unreadable("a date and time that exist") from None
    moment += timedelta(days=days)
    if not offset:
        return in_range(moment)
    return in_range(moment).replace(tzinfo=UTC) - utc_offset(offset)


def utc_offset(text: str) -> timedelta:
    """`Z`, `UTC`, `GMT` or `+hh`, `+hhmm`, `+hh:mm:ss` as what local time is ahead of UTC. Raises Unreadable."""
    if text.upper() in ("Z", "UTC", "GMT"):
        return timedelta()
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise Unreadable("an offset from -23:59 to +23:59")
    size = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -size if text[0] == "-" else size


def to_utc(moment: datetime, zone: ZoneInfo) -> tuple[datetime, TimeFlag | None]:
    """An aware moment as UTC as it is; a naive one as local time of `zone`. Raises Unreadable on absurd years."""
    if moment.tzinfo is not None:
        return in_range(moment.astimezone(UTC)), None
    return local_to_utc(in_range(moment), zone)


def parse_instant(text: str, zone: ZoneInfo) -> tuple[datetime, TimeFlag | None]:
    """ISO text to UTC, local to `zone` where it has no offset; a date alone is local midnight. Raises Unreadable."""
    return to_utc(parse_iso(text.strip()), zone)
