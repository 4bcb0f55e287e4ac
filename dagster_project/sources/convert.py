"""Cells to values: one converter a column, each distinct text converted once.

Instants become whole microseconds since 1970 in UTC, dates days since 1970, money and numbers Decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from dagster_project.config import FALSE_WORDS, TRUE_WORDS, nearest
from dagster_project.entities import Column, ColumnType
from dagster_project.instants import Unreadable, in_range, parse_iso, to_utc

Value = str | int | bool | Decimal | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_MEMORY = 200_000

_SIGNS = "$€£¥₽₴₹"
_MONEY_CODE = re.compile(r"^[A-Z]{3}(?=[\d(+-])|(?<=[\d)-])[A-Z]{3}$")
_GROUPING = re.compile(r"(?<=\d)[\s'’]+(?=\d)")
_SPACES = re.compile(r"\s+")
_DURATION = re.compile(r"(?:(\d{1,6}) days?,\s*)?(\d{1,6}):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?", re.ASCII)
_NUMBER = {
    ".": re.compile(r"(?:\d+|\d{1,3}(?:[,_]\d{3})+)?(?:\.\d*)?", re.ASCII),
    ",": re.compile(r"(?:\d+|\d{1,3}(?:[._]\d{3})+)?(?:,\d*)?", re.ASCII),
}
_STEP = Decimal("0.000001")
_LIMIT = Decimal(10) ** 12  # what DECIMAL(18,6) holds
_COUNT_LIMIT = 2**63


class UnknownWord(Unreadable):
    """A word outside a closed list."""


class Trouble(NamedTuple):
    """Why a cell cannot be used: a reason's code, and what was expected."""

    reason: str
    expected: str


def microseconds(moment: datetime) -> int:
    """Whole microseconds from 1970-01-01 UTC to an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def parse_decimal(text: str, mark: str = ".") -> Decimal:
    """An amount: currency signs or codes, spaces and thousands separators are taken off, `(12.00)` is negative.

    Thousands must come in threes, so that `1,50` is not read as 150 where the decimal mark is a point. Six decimals are
    kept. Raises Unreadable.
    """
    bare = "" if "_" in text else _SPACES.sub("", _GROUPING.sub("_", text)).replace("\u2212", "-").strip(_SIGNS)
    bare = _MONEY_CODE.sub("", bare)
    for sign in _SIGNS:
        bare = bare.replace(sign, "", 1)
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        negative, bare = True, bare[1:-1]
    if bare[:1] in ("-", "+"):
        negative, bare = negative != (bare[0] == "-"), bare[1:]
    elif bare[-1:] == "-":
        negative, bare = not negative, bare[:-1]
    if not any(letter.isdigit() for letter in bare) or not _NUMBER[mark].fullmatch(bare):
        raise Unreadable(f"a number with the decimal mark {mark}")
    plain = bare.replace("_", "").replace("." if mark == "," else ",", "").replace(",", ".")
    value = Decimal(plain)
    if value >= _LIMIT:
        raise Unreadable("a number below 1,000,000,000,000")
    value = value.quantize(_STEP, rounding=ROUND_HALF_EVEN)
    if value >= _LIMIT:
        raise Unreadable("a number below 1,000,000,000,000")
    return -value if negative else value


def parse_number(text: str, mark: str = ".") -> Decimal:
    """A number from 0; also a duration `H:MM:SS` or `N days, H:MM:SS`, as seconds. Raises Unreadable."""
    duration = _DURATION.fullmatch(text.strip())
    if duration:
        days, hours, minutes, seconds, fraction = duration.groups()
        whole = int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        return (Decimal(whole) + Decimal(f"0.{fraction or 0}")).quantize(_STEP, rounding=ROUND_HALF_EVEN)
    value = parse_decimal(text, mark)
    if value < 0:
        raise Unreadable("a number from 0")
    return value


def parse_count(text: str, mark: str = ".") -> int:
    """A whole number from 0. Raises Unreadable."""
    value = parse_number(text, mark)
    if value != value.to_integral_value() or value >= _COUNT_LIMIT:
        raise Unreadable("a whole number from 0")
    return int(value)


def parse_truth(text: str) -> bool:
    """true/false, 1/0, yes/no in any case. Raises UnknownWord."""
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise UnknownWord("true or false, 1 or 0, yes or no")


def parse_choice(text: str, choices: tuple[str, ...]) -> str:
    """A word of a closed list, in any case. Raises UnknownWord, which names the nearest."""
    word = text.strip().casefold()
    if word in choices:
        return word
    close = nearest(word, choices)
    raise UnknownWord("one of " + ", ".join(choices) + (f" (nearest: {close})" if close else ""))


def parse_moment(text: str, formats: Sequence[str] = ()) -> datetime:
    """A date, perhaps with a time, by the first format that fits, ISO last; aware with an offset. Raises Unreadable."""
    bare = text.strip()
    for form in formats:
        try:
            moment = datetime.strptime(bare, form)  # noqa: DTZ007 - local until a zone is applied
        except (ValueError, OverflowError):
            continue
        return in_range(moment)
    try:
        return parse_iso(bare)
    except Unreadable as problem:
        if not formats:
            raise
        raise Unreadable(f"{' or '.join(formats)}, or ISO: {problem}") from None


def parse_date(text: str, formats: Sequence[str] = ()) -> date:
    """The calendar day as written: a time or offset beside it never shifts it. Raises Unreadable."""
    bare = text.strip()
    for form in formats:
        try:
            return in_range(datetime.strptime(bare, form)).date()  # noqa: DTZ007 - the day as written
        except (ValueError, OverflowError):
            continue
    parse_iso(bare)
    return date.fromisoformat(bare[:10]) if bare[4] == "-" else date(int(bare[:4]), int(bare[4:6]), int(bare[6:8]))


@dataclass(frozen=True)
class Rules:
    """How the cells of a table are written: zone of times without offset, decimal mark, time formats by column."""

    zone: ZoneInfo
    decimal: str = "."
    formats: Mapping[str, Sequence[str]] | None = None
    excel_epoch: Literal[1900, 1904] | None = None
    """The year from which a workbook counts days: there a bare number may be a date."""

    def formats_of(self, column: str) -> Sequence[str]:
        formats = self.formats or {}
        return (*formats.get(column, ()), *formats.get("*", ()))


class Converter:
    """Converts the cells of one column; remembers each distinct text.

    `troubles` and `flags` hold, by text, why a text cannot be used and what is flagged about its time.
    """

    def __init__(self, column: Column, rules: Rules, words: Mapping[str, str] | None = None) -> None:
        self.column = column
        self.troubles: dict[str, Trouble] = {}
        self.flags: dict[str, str] = {}
        self._values: dict[str, Value] = {}
        self._words = {word.strip().casefold(): value for word, value in (words or {}).items()}
        self._parse = _parser(column, rules, self.flags)

    def convert(self, texts: Sequence[str]) -> list[Value]:
        """Values of the cells, None where a cell is empty or in `troubles`."""
        values = self._values
        if len(values) > _MEMORY:
            values.clear()
            self.troubles.clear()
            self.flags.clear()
        for text in set(texts).difference(values):
            values[text] = self._one(text)
        return [values[text] for text in texts]

    def _one(self, text: str) -> Value:
        word = text.strip()
        if self._words:
            word = self._words.get(word.casefold(), self._words.get("*", word) if word else word).strip()
        if not word:
            return None
        try:
            return self._parse(text, word)
        except UnknownWord as problem:
            self.troubles[text] = Trouble("unknown_word", str(problem))
        except Unreadable as problem:
            self.troubles[text] = Trouble("unreadable_value", str(problem))
        return None


def _parser(column: Column, rules: Rules, flags: dict[str, str]) -> Callable[[str, str], Value]:
    """The function (cell, its word after the value map) -> value of a column's type."""
    formats = rules.formats_of(column.name)

    def instant(text: str, word: str) -> Value:
        moment, flag = to_utc(parse_moment(word, formats), rules.zone)
        if flag:
            flags[text] = flag
        return microseconds(moment)

    parsers: dict[ColumnType, Callable[[str, str], Value]] = {
        "instant": instant,
        "date": lambda _, word: parse_date(word, formats).toordinal() - _EPOCH_DAY,
        "truth": lambda _, word: parse_truth(word),
        "choice": lambda _, word: parse_choice(word, column.choices),
        "money": lambda _, word: parse_decimal(word, rules.decimal),
        "number": lambda _, word: parse_number(word, rules.decimal),
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
