"""CSV as people export it: physical lines, and the records in them, each with its text as it stands.

Files and the raw store go through the same path: numbered physical lines become records.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from dagster_project.sources.records import HUGE_CELL, Dialect, Record, UnreadableFile

Line = tuple[int, str]
"""1-based number of a physical line, and its text with its line break."""

LONGEST = 16 * 1024 * 1024
"""Characters of a physical line or of one record: longer ones are not read into memory."""
_LOOK_AHEAD = 1024 * 1024
"""Characters that a quote may run over several lines before it counts as never closed."""

DAMAGED = "utf-8, damaged"
"""The encoding of a file that is UTF-8 but for some bytes: those become private-use characters."""
_BAD_BYTES = re.compile("[\uef80-\uefff]")
_HANDLER = "leadhouse-bad-bytes"

csv.field_size_limit(LONGEST + 1)  # the lengths of cells are looked at here


def _mark_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes 0x80 to 0xFF that are no UTF-8, as U+EF80 to U+EFFF."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xEF00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_HANDLER, _mark_bad_bytes)


def has_bad_bytes(text: str) -> bool:
    """Whether a text of a file in the encoding `DAMAGED` holds a byte that is no UTF-8."""
    return not text.isascii() and _BAD_BYTES.search(text) is not None


def open_text(path: Path, encoding: str) -> TextIO:
    """A text file, its line breaks as they are; of the encoding `DAMAGED` bad bytes are marked. Raises OSError."""
    codec, errors = ("utf-8-sig", _HANDLER) if encoding == DAMAGED else (encoding, "strict")
    return open(path, encoding=codec, errors=errors, newline="")


def physical_lines(path: Path, encoding: str, *, skip: int = 0) -> Iterator[Line]:
    """The file's lines, line breaks kept as they are, without the first `skip`.

    Raises OSError, UnicodeError, and UnreadableFile where a line is longer than 16 MiB.
    """
    with open_text(path, encoding) as file:
        number = 0
        while text := file.readline(LONGEST):
            number += 1
            if len(text) == LONGEST and text[-1] not in "\r\n":
                raise UnreadableFile(f"line {number:,} is longer than 16 MiB, expected a file with line breaks")
            if number > skip:
                yield number, text


def lines_of_records(records: Iterable[tuple[int, str]]) -> Iterator[Line]:
    """Stored records (line, text) as the physical lines they came from."""
    for start, text in records:
        position = 0
        number = start
        while True:
            end = _line_end(text, position)
            if end < 0:
                yield number, text[position:] + "\n"
                break
            yield number, text[position:end]
            position, number = end, number + 1


def _line_end(text: str, position: int) -> int:
    """Where the line that starts at `position` ends, its break included; -1 if it is the last."""
    newline, carriage = text.find("\n", position), text.find("\r", position)
    if carriage >= 0 and (newline < 0 or carriage < newline):
        return carriage + 2 if newline == carriage + 1 else carriage + 1
    return newline + 1 if newline >= 0 else -1


class _EndlessQuoteError(Exception):
    """A quote that runs on for longer than any cell."""


class _Tap:
    """Hands lines to csv.reader and remembers what the present record took; lines can be handed back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: list[Line] = []
        self.taken: list[Line] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken and self._size > _LOOK_AHEAD:
            raise _EndlessQuoteError
        line = self._returned.pop() if self._returned else next(self._lines)
        self.taken.append(line)
        self._size += len(line[1])
        return line[1]

    def take(self) -> list[Line]:
        """The lines of the present record; the next one begins."""
        taken, self.taken, self._size = self.taken, [], 0
        return taken

    def hand_back(self, lines: list[Line]) -> None:
        self._returned.extend(reversed(lines))


def read_records(lines: Iterator[Line], dialect: Dialect) -> Iterator[Record]:
    """Records of a CSV file; blank lines are none.

    A record whose quoting is broken (text after a closing quote, a quote never closed) is given as its first physical
    line with `cells` None, and reading goes on with the next line: one stray quote must not swallow the rows after it.
    So is a record over several lines with a cell above 128 KiB, unless it has the width of the first record.
    """
    tap = _Tap(lines)
    width: int | None = None
    while True:
        try:
            for cells in csv_reader(tap, dialect):
                taken = tap.take()
                if len(taken) == 1:
                    line, text = taken[0]
                else:
                    line, text = taken[0][0], "".join([part for _, part in taken])
                if len(text) > HUGE_CELL and max(map(len, cells), default=0) > HUGE_CELL:
                    if len(taken) > 1 and len(cells) != width:
                        line, text = taken[0]
                        tap.hand_back(taken[1:])
                        yield Record(line, without_break(text), None)
                        break
                    yield Record(line, without_break(text), None, "huge_cell")
                elif len(cells) > 1 or (cells and cells[0].strip()):
                    width = width or len(cells)
                    yield Record(line, without_break(text), cells)
            else:
                return
        except (csv.Error, _EndlessQuoteError):
            (line, text), *rest = tap.take()
            tap.hand_back(rest)
            yield Record(line, without_break(text), None)


def csv_reader(lines: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    """Python's own reader for a dialect; raises csv.Error where the quoting is broken."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=True,
    )


def without_break(text: str) -> str:
    """A physical line without its line break."""
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith(("\n", "\r")) else text
