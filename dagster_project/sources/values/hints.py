"""The nearest fix of a cell that cannot be read: what in the configuration would read it. Never the cell itself."""

from __future__ import annotations

import re
from functools import cache

from dagster_project.entities import Column
from dagster_project.instants import Unreadable
from dagster_project.sources.values.amounts import decimal_key, parse_decimal, parse_plain
from dagster_project.time_formats import FIRST_OF_TWO_DIGITS, TimeFormat

_DATES = (
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%d.%m.%y", "%m-%d-%Y", "%d-%m-%Y", "%m-%d-%y",
    "%d-%m-%y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%Y%m%d", "%d%m%Y", "%m%d%Y", "%d %b %Y", "%d %b, %Y",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %y", "%b %d, %Y", "%b %d %Y", "%a, %d %b %Y", "%a, %b %d, %Y", "%a %b %d %Y",
    "%Y %b %d",
)  # fmt: skip
_TIMES = (
    "%H:%M",
    "%H:%M:%S",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%I:%M%p",
    "%I:%M:%S%p",
    "%H:%M:%S.%f",
    "%H:%M:%S %z",
    "%H:%M %z",
)
_WHOLE = ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%a %b %d %H:%M:%S %Y")
_PARTS = re.compile(r"(.+?)(,? at |,? - |, ?| |T)(\d{1,2}:\d\d\D?.*)", re.ASCII)
_NUMBERS = (
    ("epoch", re.compile(r"1\d{9}(?:\.\d+)?", re.ASCII)),  # 2001 to 2033; others are likelier a phone number
    ("epoch_ms", re.compile(r"1\d{12}(?:\.\d+)?", re.ASCII)),
    ("epoch_us", re.compile(r"1\d{15}", re.ASCII)),
    ("excel", re.compile(r"[2-7]\d{4}(?:[.,]\d+)?", re.ASCII)),
)
_LONGEST = 60


def hint(column: Column, text: str, mark: str, first_year: int) -> str | None:
    """What in a table's configuration would read an unreadable cell of a column, in one phrase; None if unknown.

    `mark` is the decimal mark and `first_year` that of two-digit years, as the table has them.
    """
    if len(text) > _LONGEST:
        return None
    if column.type in ("instant", "date"):
        return _time_hint(" ".join(text.split()), first_year)
    parse = {"money": parse_decimal, "count": parse_plain, "number": parse_plain}.get(column.type)
    try:
        return f"{decimal_key(mark)} would read it" if parse and parse(text, "," if mark == "." else ".") else None
    except Unreadable:
        return None


def _time_hint(text: str, first_year: int) -> str | None:
    fits = [form for form in _candidates(text) if _reads(_form(form, first_year), text)]
    fits = fits or [word for word, digits in _NUMBERS if digits.fullmatch(text)]
    if not fits:
        return None
    if len(fits) == 1:
        return f'"{fits[0]}" in time_formats would read it'
    return f'"{fits[0]}" or "{fits[1]}" in time_formats would read it: which is the day, which the month?'


def _candidates(text: str) -> list[str]:
    """Formats of a date, of a date and a time, or of both in one, that a text may be in."""
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return [*_DATES, *_WHOLE]
    day, between, time = parts.groups()
    times = [form for form in _TIMES if _reads(_form(f"%Y %m %d {form}"), f"2000 1 1 {time}")]
    return [*(date + between + form for date in _DATES if _reads(_form(date), day) for form in times), *_WHOLE]


def _reads(form: TimeFormat, text: str) -> bool:
    try:
        return form.read(text) is not None
    except Unreadable:
        return False


@cache
def _form(text: str, first_year: int = FIRST_OF_TWO_DIGITS) -> TimeFormat:
    return TimeFormat(text, first_year)
