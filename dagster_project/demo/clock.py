"""Time in the demo: whole seconds of UTC, a pinned year, local clocks and open hours. Nothing reads the real clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

MINUTE, HOUR, DAY = 60, 3600, 86400
EASTERN, CENTRAL = "America/New_York", "America/Chicago"

FIRST_DAY, LAST_DAY = date(2025, 11, 24), date(2026, 11, 22)
"""52 whole weeks, Monday to Sunday."""

_EPOCH = date(1970, 1, 1)
_TABLE_FROM, _TABLE_HOURS = date(2018, 1, 1), 24 * 365 * 10

HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in ("2025-11-27", "2025-12-25", "2026-01-01", "2026-05-25", "2026-07-04", "2026-09-07", "2026-11-26")
)
OPEN_HOURS = dict.fromkeys(range(6), (8, 20)) | {6: (10, 18)}
"""Weekday (Monday is 0) to the hours at which the phones open and close; the same as in the demo's leadhouse.toml."""


def utc(day: str, clock: str = "00:00:00") -> int:
    """Epoch seconds of a UTC reading."""
    return int(datetime.fromisoformat(f"{day}T{clock}+00:00").timestamp())


END = utc("2026-11-22", "23:00:00")
"""The last moment of every system, Sunday 18:00 in New York: the demo's `as_of`."""


@cache
def _offsets(zone: str) -> list[int]:
    """Offset from UTC in seconds for each hour from `_TABLE_FROM`; transitions are on whole hours."""
    start = datetime(_TABLE_FROM.year, _TABLE_FROM.month, _TABLE_FROM.day, tzinfo=UTC)
    moments = (start + timedelta(hours=hour) for hour in range(_TABLE_HOURS))
    offsets = (moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in moments)
    return [int(offset.total_seconds()) for offset in offsets if offset is not None]


_TABLE_START = (_TABLE_FROM - _EPOCH).days * DAY


def offset(moment: int, zone: str = EASTERN) -> int:
    """Seconds that a zone's clock is ahead of UTC."""
    return _offsets(zone)[(moment - _TABLE_START) // HOUR]


def local(moment: int, zone: str = EASTERN) -> int:
    """What a local clock shows, as if it were UTC."""
    return moment + offset(moment, zone)


def local_day(moment: int) -> date:
    """The calendar day in New York."""
    return _EPOCH + timedelta(days=local(moment) // DAY)


def from_local(reading: int, zone: str = EASTERN) -> int:
    """The instant of a local reading: out of the spring gap forward, of the repeated hour the second one."""
    offsets = (offset(reading + 12 * HOUR, zone), offset(reading - 12 * HOUR, zone))
    fits = [reading - each for each in offsets if offset(reading - each, zone) == each]
    return max(fits) if fits else reading - min(offsets)


def at_local(day: date, seconds: int, zone: str = EASTERN) -> int:
    """The instant at which the clock of a day shows so many seconds since midnight."""
    return from_local((day - _EPOCH).days * DAY + seconds, zone)


@cache
def _span(day: date) -> tuple[int, int] | None:
    if day in HOLIDAYS:
        return None
    opens, closes = OPEN_HOURS[day.weekday()]
    return at_local(day, opens * HOUR), at_local(day, closes * HOUR)


def is_open(moment: int) -> bool:
    """Whether the phones are staffed."""
    span = _span(local_day(moment))
    return span is not None and span[0] <= moment < span[1]


def next_opening(moment: int) -> int:
    """The next time the office opens after a moment at which it is closed."""
    day = local_day(moment)
    while True:
        span = _span(day)
        if span is not None and span[0] > moment:
            return span[0]
        day += timedelta(days=1)


def iso(moments: Sequence[int | None]) -> list[str]:
    """`2026-11-22T23:00:00Z` of each; empty where there is none."""
    texts: npt.NDArray[np.str_] = np.datetime_as_string(
        np.array([moment or 0 for moment in moments], dtype="int64").astype("datetime64[s]"), unit="s"
    )
    return ["" if moment is None else f"{text}Z" for moment, text in zip(moments, texts.tolist(), strict=True)]


def with_offset(moment: int, zone: str = EASTERN) -> str:
    """`2026-11-22T18:00:00-05:00`."""
    ahead = offset(moment, zone)
    sign, size = ("-", -ahead) if ahead < 0 else ("+", ahead)
    return f"{_shown(moment + ahead):%Y-%m-%dT%H:%M:%S}{sign}{size // HOUR:02}:{size % HOUR // MINUTE:02}"


def us_reading(reading: int) -> str:
    """`11/22/2026 06:00:00 PM` of a local reading."""
    shown = _shown(reading)
    half = "AM" if shown.hour < 12 else "PM"
    return f"{shown:%m/%d/%Y} {(shown.hour - 1) % 12 + 1:02}:{shown:%M:%S} {half}"


def us_day(moment: int | None) -> str:
    """`11/22/2026`, the day in New York; empty where there is none."""
    return "" if moment is None else f"{local_day(moment):%m/%d/%Y}"


def _shown(reading: int) -> datetime:
    return datetime.fromtimestamp(reading, UTC)
