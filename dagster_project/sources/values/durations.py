"""Durations to seconds: clock times, units in words, ISO 8601, and bare numbers by what their column holds."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from dagster_project.config_values import DurationWord
from dagster_project.instants import Unreadable
from dagster_project.sources.values.amounts import parse_plain

_STEP = Decimal("0.000001")
_LIMIT = Decimal(10) ** 12  # what DECIMAL(18,6) holds
_SIZES = (86_400, 3600, 60, 1, Decimal("0.001"))
_BARE: dict[DurationWord, Decimal | int] = {
    "milliseconds": Decimal("0.001"),
    "seconds": 1,
    "minutes": 60,
    "hours": 3600,
}

_N = r"(\d{1,9}(?:[.,]\d{1,9})?)"
_CLOCK = re.compile(r"(?:(\d{1,6}) days?,? +)?(\d{1,6}):([0-5]\d):([0-5]\d(?:[.,]\d{1,9})?)", re.ASCII | re.IGNORECASE)
_PAIR = re.compile(r"(\d{1,6}):([0-5]\d(?:[.,]\d{1,9})?)", re.ASCII)
_GAP = r"(?:\s*(?:\.|,|and)?\s*)"
_UNITS = re.compile(
    rf"(?=\d)(?:{_N}\s*d(?:ays?)?{_GAP})?(?:{_N}\s*h(?:(?:ou)?rs?)?{_GAP})?(?:{_N}\s*m(?:in(?:ute)?s?)?(?![a-z]){_GAP})?"
    rf"(?:{_N}\s*s(?:ec(?:ond)?s?)?{_GAP})?(?:{_N}\s*(?:ms|msecs?|milliseconds?){_GAP})?",
    re.ASCII | re.IGNORECASE,
)
_ISO = re.compile(
    rf"P(?=[\dT])(?:{_N}W)?(?:{_N}D)?(?:T(?=\d)(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?)?", re.ASCII | re.IGNORECASE
)


def parse_duration(text: str, mark: str = ".", word: DurationWord = "seconds") -> Decimal:
    """Seconds from 0, to six decimals: `0:02:10`, `1 day, 3:09:07`, `1h 2m 3s`, `PT2M10S`, or a number of `word`.

    `2:10` is read only where `word` says what it is, `mm:ss` or `hh:mm`; a bare number but 0 is then unreadable.
    Raises Unreadable.
    """
    bare = text.strip()
    seconds = _with_units(bare, mark)
    if seconds is None:
        pair = _PAIR.fullmatch(bare)
        seconds = _pair(pair, word) if pair else _number(bare, mark, word)
    if seconds >= _LIMIT:
        raise Unreadable("a duration below 1,000,000,000,000 seconds")
    return seconds.quantize(_STEP, rounding=ROUND_HALF_EVEN)


def _pair(pair: re.Match[str], word: DurationWord) -> Decimal:
    size = 3600 if word == "hh:mm" else 60
    seconds = _sum(pair.groups(), (size, size // 60))
    if seconds and word not in ("mm:ss", "hh:mm"):  # 0:00 is nothing, whatever it is
        raise Unreadable(
            f'{word}, or a duration such as 0:02:10 or 2m 10s; "mm:ss" or "hh:mm" in [source.table.durations]'
            " would read it"
        )
    return seconds


def _number(bare: str, mark: str, word: DurationWord) -> Decimal:
    if word in ("mm:ss", "hh:mm"):
        if bare != "0":
            raise Unreadable(f"a duration {word}, or one such as 0:02:10 or 2m 10s")
        return Decimal(0)
    try:
        return parse_plain(bare, mark) * _BARE[word]
    except Unreadable:
        raise Unreadable(f"a number of {word} from 0, or a duration such as 0:02:10 or 2m 10s") from None


def _with_units(bare: str, mark: str) -> Decimal | None:
    """Seconds of a text that tells its units, else None. `1,234 sec` is none where the decimal mark is a point."""
    if bare.isdigit():
        return None
    if ":" in bare:
        match = _CLOCK.fullmatch(bare)
        return _sum(match.groups(), _SIZES) if match else None
    match = _UNITS.fullmatch(bare)
    if match and not any(set(part or "") & {".", ","} - {mark} for part in match.groups()):
        return _sum(match.groups(), _SIZES)
    if match := _ISO.fullmatch(bare):
        return _sum(match.groups(), (604_800, *_SIZES))
    return None


def _sum(parts: tuple[str | None, ...], sizes: tuple[Decimal | int, ...]) -> Decimal:
    pairs = zip(parts, sizes, strict=False)
    return sum((Decimal(part.replace(",", ".")) * size for part, size in pairs if part), Decimal(0))
