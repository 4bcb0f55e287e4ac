"""Formats of dates and times: those of `strptime`, always in English, and words for numbers such as epoch seconds.

Own code, because `strptime` takes its month names from the process's locale, forgets the zone that `%Z` read, and knows
one rule for two-digit years.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from dagster_project.config_values import nearest
from dagster_project.instants import in_range, utc_offset

NUMBER_WORDS = ("epoch", "epoch_ms", "epoch_us", "excel", "excel1904")
"""Formats of numbers: seconds, milliseconds, microseconds since 1970 UTC; days of Excel, counted in local time."""

FIRST_OF_TWO_DIGITS = 1970
"""Two-digit years are those of the hundred years from this one, where a table does not say otherwise."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<b>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?P<a>mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_PARTS = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>1[0-2]|0?[1-9])",
    "b": _MONTH,
    "B": _MONTH,
    "d": r"(?P<d>3[01]|[12]\d|0?[1-9])",
    "j": r"(?P<j>36[0-6]|3[0-5]\d|[12]\d\d|0?[1-9]\d|0?0?[1-9])",
    "a": _DAY,
    "A": _DAY,
    "H": r"(?P<H>2[0-3]|[01]?\d)",
    "I": r"(?P<I>1[0-2]|0?[1-9])",
    "p": r"(?P<p>[ap])\.?m\.?",
    "M": r"(?P<M>[0-5]?\d)",
    "S": r"(?P<S>[0-5]?\d)",
    "f": r"(?P<f>\d{1,9})",
    "z": r"(?P<z>Z|UTC|GMT|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)",
    "Z": r"(?P<z>Z|UTC|GMT)",
    "%": "%",
}
_DIGITS = frozenset("YymdjHIMSf")
_PIECE = re.compile(r"%(.?)|(\s+)|([^%\s]+)", re.DOTALL)


class TimeFormat:
    """One format of `strptime`, compiled. A day of the week is read and not checked; `%z` and `%Z` make it aware.

    Leading zeros may be left out, but not where numbers stand without anything between them.

    Raises ValueError with what was expected, where it is no format or does not tell the day or the half of it.
    """

    def __init__(self, text: str, first_year: int = FIRST_OF_TWO_DIGITS) -> None:
        self.text = text
        self._first_year = first_year
        self._pattern = _compiled(text.strip())
        told = self._pattern.groupindex.keys()
        self._aware = "z" in told
        if not ({"Y", "y"} & told and ("j" in told or ({"m", "b"} & told and "d" in told))):
            raise ValueError("a format that tells year, month and day")
        if ("I" in told) != ("p" in told):
            raise ValueError("%I and %p, the hour of 12 and AM or PM, together, or %H alone")

    def read(self, text: str) -> datetime | None:
        """The moment that a text tells, None where it does not fit. Raises Unreadable on absurd years and offsets."""
        match = self._pattern.fullmatch(text)
        moment = self._written(match.groupdict().get) if match else None
        offset = match["z"] if match and self._aware else None
        return moment.replace(tzinfo=UTC) - utc_offset(offset) if moment and offset else moment

    def read_day(self, text: str) -> datetime | None:
        """The moment as it is written: an offset beside a day never shifts it."""
        match = self._pattern.fullmatch(text)
        return self._written(match.groupdict().get) if match else None

    def _written(self, part: Callable[[str], str | None]) -> datetime | None:
        month, day, hour = part("m"), part("d"), int(part("H") or part("I") or 0)
        year = int(part("Y") or self._first_year + (int(part("y") or 0) - self._first_year) % 100)
        if half := part("p"):
            hour = hour % 12 + (12 if half in "pP" else 0)
        if name := part("b"):
            month = str(_MONTHS.index(name[:3].lower()) + 1)
        minute, second, micros = part("M") or 0, part("S") or 0, (part("f") or "0")[:6].ljust(6, "0")
        try:
            moment = datetime(  # noqa: DTZ001 - local until a zone is applied
                year, int(month or 1), int(day or 1), hour, int(minute), int(second), int(micros)
            )
        except ValueError:
            return None
        if number := part("j"):
            moment = moment.replace(month=1, day=1) + timedelta(days=int(number) - 1)
            if moment.year != year:
                return None
        return in_range(moment)


def _compiled(text: str) -> re.Pattern[str]:
    if "%" not in text:
        raise ValueError('a time format such as "%d.%m.%Y %H:%M"')
    pattern = ""
    pieces = [match.groups() for match in _PIECE.finditer(text)]
    for place, (directive, space, literal) in enumerate(pieces):
        if space:
            pattern += r"\s+"
        elif literal:
            pattern += re.escape(literal)
        elif directive in _PARTS:
            beside = {pieces[other][0] for other in (place - 1, place + 1) if 0 <= other < len(pieces)}
            part = _PARTS[directive]
            if beside & _DIGITS:  # nothing between: all digits are needed, lest 20261124 be read by %Y%m%d%H%M
                part = part.replace("0?", "0").replace("]?", "]")
            pattern += part
        else:
            known = " ".join(f"%{letter}" for letter in _PARTS)
            raise ValueError(f"a time format of {known}; %{directive} has to be written out in these")
    try:
        return re.compile(pattern, re.IGNORECASE | re.ASCII)
    except re.error:
        raise ValueError("a time format that tells each part once") from None


def format_problem(text: str) -> str | None:
    """What was expected in place of a format of the configuration; None where it is good."""
    if text in NUMBER_WORDS:
        return None
    try:
        TimeFormat(text)
    except ValueError as problem:
        close = nearest(text, NUMBER_WORDS) if "%" not in text else None
        return close or str(problem)
    return None
