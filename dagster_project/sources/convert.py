"""Cells to values: one converter a column, each distinct text converted once.

Instants become whole microseconds since 1970 in UTC, dates days since 1970, money and numbers Decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dagster_project.config_values import DurationWord
from dagster_project.entities import Column, ColumnType
from dagster_project.instants import Unreadable, to_utc
from dagster_project.sources.values.amounts import decimal_key, is_thousands_perhaps, parse_count, parse_decimal
from dagster_project.sources.values.durations import parse_duration
from dagster_project.sources.values.hints import hint
from dagster_project.sources.values.moments import ExcelEpoch, Moments
from dagster_project.sources.values.words import UnknownWord, parse_choice, parse_truth
from dagster_project.time_formats import FIRST_OF_TWO_DIGITS

Value = str | int | bool | Decimal | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_MEMORY = 200_000
_MOST_HINTS = 300
"""Texts a column of which the nearest fix is looked for: a file of a million bad cells has few different faults."""

_FEW = 3


class Trouble(NamedTuple):
    """Why a cell cannot be used: a reason's code, and what was expected."""

    reason: str
    expected: str


def microseconds(moment: datetime) -> int:
    """Whole microseconds from 1970-01-01 UTC to an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(frozen=True)
class Rules:
    """How the cells of a table are written.

    `zone` is that of times without offset, `decimal` the decimal mark, `formats` and `durations` are by column (`*` in
    `formats` is any); `first_year` is the first of the hundred that two digits mean. `excel_epoch`: bare numbers are
    days of Excel, as in a workbook.
    """

    zone: ZoneInfo
    decimal: str = "."
    formats: Mapping[str, Sequence[str]] | None = None
    durations: Mapping[str, DurationWord] | None = None
    first_year: int = FIRST_OF_TWO_DIGITS
    excel_epoch: ExcelEpoch | None = None

    def formats_of(self, column: str) -> Sequence[str]:
        formats = self.formats or {}
        return (*formats.get(column, ()), *formats.get("*", ()))

    def moments_of(self, column: str) -> Moments:
        return Moments(self.formats_of(column), first_year=self.first_year, excel_epoch=self.excel_epoch)


class Converter:
    """Converts the cells of one column; remembers each distinct text.

    `troubles` and `flags` hold, by text, why a text cannot be used and what is flagged about its time. `mapped` tells
    whether the column has a table in the configuration, which the nearest fix then names.
    """

    def __init__(
        self, column: Column, rules: Rules, words: Mapping[str, str] | None = None, *, mapped: bool = False
    ) -> None:
        self.column = column
        self.troubles: dict[str, Trouble] = {}
        self.flags: dict[str, str] = {}
        self._values: dict[str, Value] = {}
        self._words = {word.strip().casefold(): value for word, value in (words or {}).items()}
        self._parse = _parser(column, rules, self.flags)
        self._rules, self._mapped, self._hints = rules, mapped, _MOST_HINTS
        self._odd: set[str] | None = set() if column.type == "money" else None  # None once the mark is certain
        self._odd_cells = 0

    def convert(self, texts: Sequence[str]) -> list[Value]:
        """Values of the cells, None where a cell is empty or in `troubles`."""
        values = self._values
        if len(values) > _MEMORY:
            values.clear()
            self.troubles.clear()
            self.flags.clear()
            self._odd = self._odd and set()
        for text in dict.fromkeys(texts):  # in their order, so that the same texts have hints in every process
            if text not in values:
                values[text] = self._one(text)
        if self._odd:
            self._odd_cells += sum(map(self._odd.__contains__, texts))
        return [values[text] for text in texts]

    @property
    def warning(self) -> str | None:
        """What is odd about the column as a whole, once all of it is converted."""
        if self._odd is None or self._odd_cells < _FEW:
            return None
        mark = self._rules.decimal
        return (
            f"{self.column.name}: the {self._odd_cells:,} amounts with a {mark} all have three digits after it, read as"
            f" decimals; {decimal_key(mark)} if they are thousands"
        )

    def _one(self, text: str) -> Value:
        word = text.strip()
        if self._words:
            word = self._words.get(word.casefold(), self._words.get("*", word) if word else word).strip()
        if not word:
            return None
        try:
            value = self._parse(text, word)
            if self._odd is not None:
                self._look_at_mark(text, word)
            return value
        except UnknownWord as problem:
            key = f"; map it in [source.table.values.{self.column.name}]" if self._mapped else ""
            self.troubles[text] = Trouble("unknown_word", f"{problem}{key}")
        except Unreadable as problem:
            self.troubles[text] = Trouble("unreadable_value", f"{problem}{self._hint(word)}")
        return None

    def _look_at_mark(self, text: str, word: str) -> None:
        odd = is_thousands_perhaps(word, self._rules.decimal)
        if odd is False:
            self._odd = None
        elif odd and self._odd is not None:
            self._odd.add(text)

    def _hint(self, word: str) -> str:
        if not self._hints:
            return ""
        self._hints -= 1
        fix = hint(self.column, word, self._rules.decimal, self._rules.first_year)
        return f"; {fix}{'' if self._mapped else ', in a [[source.table]]'}" if fix else ""


def _parser(column: Column, rules: Rules, flags: dict[str, str]) -> Callable[[str, str], Value]:
    """The function (cell, its word after the value map) -> value of a column's type."""
    moments = rules.moments_of(column.name)
    duration = (rules.durations or {}).get(column.name, "seconds")

    def instant(text: str, word: str) -> Value:
        moment, flag = to_utc(moments.moment(word), rules.zone)
        if flag:
            flags[text] = flag
        return microseconds(moment)

    parsers: dict[ColumnType, Callable[[str, str], Value]] = {
        "instant": instant,
        "date": lambda _, word: moments.day(word, rules.zone).toordinal() - _EPOCH_DAY,
        "truth": lambda _, word: parse_truth(word),
        "choice": lambda _, word: parse_choice(word, column.choices),
        "money": lambda _, word: parse_decimal(word, rules.decimal),
        "number": lambda _, word: parse_duration(word, rules.decimal, duration),
        "count": lambda _, word: parse_count(word, rules.decimal),
    }
    return parsers.get(column.type, lambda _, word: word)


def joined_flags(flags: Iterable[tuple[str, Sequence[str | None]]], size: int) -> list[str | None]:
    """`column:gap` and `column:repeated` of each row joined by `;`, from (column, flag of each row)."""
    joined: list[str | None] = [None] * size
    for name, column in flags:
        for row, flag in enumerate(column):
            if flag:
                before = joined[row]
                joined[row] = f"{before};{name}:{flag}" if before else f"{name}:{flag}"
    return joined
