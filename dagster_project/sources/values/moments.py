"""Instants and dates: by the formats of a table, as epoch numbers, as days of Excel, in ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from dagster_project.instants import FIRST_YEAR, LAST_YEAR, Unreadable, parse_iso
from dagster_project.time_formats import FIRST_OF_TWO_DIGITS, NUMBER_WORDS, TimeFormat

ExcelEpoch = Literal[1900, 1904]
_Reader = Callable[[str], datetime | None]

_NUMBER = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{1,9})?", re.ASCII)
_SERIAL = re.compile(r"\d{1,6}(?:[.,]\d{1,20})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_END = (datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_UNITS = {"epoch": 1_000_000, "epoch_ms": 1000, "epoch_us": 1}
_DAY_ZERO: dict[ExcelEpoch, datetime] = {
    1900: datetime(1899, 12, 30),  # noqa: DTZ001 - local, as every text without an offset
    1904: datetime(1904, 1, 1),  # noqa: DTZ001
}
_FIRST_CERTAIN_DAY = 61
"""Excel's calendar of 1900 has a 29 February that never was: before 1 March its days are not those of others."""


def epoch_reader(microseconds: int) -> _Reader:
    """Reads numbers of units since 1970 UTC, each of so many microseconds; what is beyond them is cut off."""

    def read(text: str) -> datetime | None:
        if not _NUMBER.fullmatch(text):
            return None
        number = Decimal(text.replace(",", ".")) * microseconds
        if not _FIRST <= number < _END:
            raise Unreadable(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
        return _EPOCH + timedelta(microseconds=int(number.to_integral_value(ROUND_FLOOR)))

    return read


def serial_reader(epoch: ExcelEpoch) -> _Reader:
    """Reads days of Excel as local time, to the nearest millisecond: the fraction is a float and never exact."""

    def read(text: str) -> datetime | None:
        if not _SERIAL.fullmatch(text):
            return None
        days = Decimal(text.replace(",", "."))
        if epoch == 1900 and days < _FIRST_CERTAIN_DAY:
            raise Unreadable("a day of Excel from 61, 1 March 1900")
        milliseconds = int((days * 86_400_000).to_integral_value(ROUND_HALF_EVEN))
        moment = _DAY_ZERO[epoch] + timedelta(milliseconds=milliseconds)
        if moment.year > LAST_YEAR:
            raise Unreadable(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
        return moment

    return read


class Moments:
    """Reads one column's instants or dates by the first format that fits; days of Excel then, ISO 8601 last.

    `excel_epoch`: a bare number is a day of Excel without any format that says so, as in a workbook.
    """

    def __init__(
        self,
        formats: Sequence[str] = (),
        *,
        first_year: int = FIRST_OF_TWO_DIGITS,
        excel_epoch: ExcelEpoch | None = None,
    ) -> None:
        self._formats = formats
        self._readers: list[tuple[_Reader, _Reader]] = []
        for text in formats:
            if text in NUMBER_WORDS:
                reader = (
                    epoch_reader(_UNITS[text]) if text in _UNITS else serial_reader(1900 if text == "excel" else 1904)
                )
                self._readers.append((reader, reader))
            else:
                form = TimeFormat(text, first_year)
                self._readers.append((form.read, form.read_day))
        if excel_epoch:
            self._readers.append((serial_reader(excel_epoch),) * 2)

    def moment(self, text: str) -> datetime:
        """Aware with an offset or from an epoch, else naive, local; a date alone is midnight. Raises Unreadable."""
        bare = _bare(text)
        found = self._first(bare, 0)
        return self._iso(bare) if found is None else found

    def day(self, text: str, zone: ZoneInfo) -> date:
        """The calendar day as written: a time or offset beside it never shifts it; of an epoch that of `zone`.

        Raises Unreadable.
        """
        bare = _bare(text)
        found = self._first(bare, 1)
        if found is not None:
            return (found.astimezone(zone) if found.tzinfo else found).date()
        self._iso(bare)
        return date.fromisoformat(bare[:10]) if bare[4] == "-" else date(int(bare[:4]), int(bare[4:6]), int(bare[6:8]))

    def _first(self, bare: str, which: Literal[0, 1]) -> datetime | None:
        problem: Unreadable | None = None
        for readers in self._readers:
            try:
                found = readers[which](bare)
            except Unreadable as absurd:
                problem = absurd
            else:
                if found is not None:
                    return found
        if problem:
            raise problem
        return None

    def _iso(self, bare: str) -> datetime:
        try:
            return parse_iso(bare)
        except Unreadable as problem:
            if not self._formats:
                raise
            raise Unreadable(f"{' or '.join(self._formats)}, or ISO: {problem}") from None


def _bare(text: str) -> str:
    """Without spaces around; the hard spaces that browsers write before AM and PM are spaces."""
    return text.strip() if text.isascii() else text.replace("\u00a0", " ").replace("\u202f", " ").strip()
