"""CSV as people export it: which encoding, which physical lines, which records, each with its text as it stands.

Files and the raw store go through the same path: numbered physical lines become records.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

CHUNK = 1 << 20
DELIMITERS = (",", ";", "\t", "|")

Line = tuple[int, str]
"""1-based number of a physical line, and its text with its line break."""


class Record(NamedTuple):
    """One record: the physical line on which it starts, its text without the last line break, its cells.

    `cells` is None where the quoting is broken; then the record is its first physical line alone.
    """

    line: int
    text: str
    cells: list[str] | None


@dataclass(frozen=True)
class Fingerprint:
    """What a file is before it is parsed. `problem` says why it cannot be read at all, or is None."""

    sha256: str
    bytes: int
    encoding: str
    problem: str | None = None


def fingerprint(path: Path, encoding: str | None = None) -> Fingerprint:
    """Read the file once in chunks: its hash, size and encoding.

    UTF-8 (with or without a byte order mark), UTF-16 with one; else Windows-1252, or Latin-1 where a byte has no
    meaning in Windows-1252. A given `encoding` is tried as it is. Raises OSError.
    """
    digest = hashlib.sha256()
    size = 0
    first = b""
    has_nul = False
    trial: _Trial | None = None
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            if trial is None:
                first = chunk[:4]
                trial = _Trial(encoding or _from_mark(first) or "utf-8")
            digest.update(chunk)
            size += len(chunk)
            has_nul = has_nul or b"\0" in chunk
            trial.feed(chunk)
    if trial is None:
        return Fingerprint(digest.hexdigest(), 0, "utf-8", "the file is empty, not even a header")
    ok = trial.finish()
    name = encoding or _from_mark(first) or "utf-8"
    wide = codecs.lookup(name).name.startswith(("utf-16", "utf-32"))
    problem = None
    if has_nul and not wide:
        problem = "the file holds NUL bytes: it is binary, or UTF-16 without a byte order mark"
    elif not ok and (encoding or wide):
        problem = f"the file is not {name}"
    elif not ok:
        name = "windows-1252" if not trial.undefined_in_1252 else "latin-1"
    return Fingerprint(digest.hexdigest(), size, name, problem)


def _from_mark(first: bytes) -> str | None:
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


class _Trial:
    """Decodes a stream only to learn whether it can be decoded."""

    _UNDEFINED = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ok = True
        self.undefined_in_1252 = False

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        if not self.undefined_in_1252:
            self.undefined_in_1252 = len(chunk.translate(None, self._UNDEFINED)) < len(chunk)
        if self._ok:
            try:
                self._decoder.decode(chunk, final)
            except UnicodeError:
                self._ok = False

    def finish(self) -> bool:
        self.feed(b"", final=True)
        return self._ok


def physical_lines(path: Path, encoding: str, *, skip: int = 0) -> Iterator[Line]:
    """The file's lines, line breaks kept as they are, without the first `skip`. Raises OSError and UnicodeError."""
    with open(path, encoding=encoding, newline="") as file:
        for number, text in enumerate(file, 1):
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


class _Tap:
    """Hands lines to csv.reader and remembers what the present record took; lines can be handed back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: list[Line] = []
        self.taken: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._lines)
        self.taken.append(line)
        return line[1]

    def hand_back(self, lines: list[Line]) -> None:
        self._returned.extend(reversed(lines))


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[Record]:
    """Records of a CSV file; blank lines are none.

    A record whose quoting is broken (text after a closing quote, a quote never closed, a cell above 128 KiB) is given
    as its first physical line with `cells` None, and reading goes on with the next line: one stray quote must not
    swallow the rows after it.
    """
    tap = _Tap(lines)
    while True:
        reader = csv.reader(tap, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                taken = tap.taken
                if len(taken) == 1:
                    line, text = taken[0]
                else:
                    line, text = taken[0][0], "".join([part for _, part in taken])
                tap.taken = []
                if len(cells) > 1 or (cells and cells[0].strip()):
                    yield Record(line, _without_break(text), cells)
            return
        except csv.Error:
            (line, text), *rest = tap.taken
            tap.taken = []
            tap.hand_back(rest)
            yield Record(line, _without_break(text), None)


def _without_break(text: str) -> str:
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith(("\n", "\r")) else text


def split_header(line: str, expected: set[str]) -> str:
    """The delimiter that finds most of the expected column names (folded) in a header line; `,` if none finds any."""

    def known(delimiter: str) -> int:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return len({cell.strip().casefold() for cell in cells} & expected)

    return max(DELIMITERS, key=known)
