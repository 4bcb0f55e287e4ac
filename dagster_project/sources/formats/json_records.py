"""JSON: one object a line, or one array of objects. Columns are the keys, in order of appearance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dagster_project.sources.csv_records import (
    DAMAGED,
    LONGEST,
    has_bad_bytes,
    open_text,
    physical_lines,
    without_break,
)
from dagster_project.sources.formats.cells import BadJson, JsonValue, parse_json, problem_of, to_json, to_text
from dagster_project.sources.records import Dialect, Format, OpenTable, Record, UnreadableFile

MAX_COLUMNS = 5_000
_LONGEST_HEADER = 1024 * 1024
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MARKS = re.compile(r'["\\{}\[\],]')
_CHUNK = 1 << 16

Texts = Iterator[tuple[int, str]]
"""(line, text) of each object."""


def open_json(path: Path, encoding: str, named: Format, mark: str) -> OpenTable:
    """Read a file once for its keys.

    `named` `json`: JSON Lines, or one array of objects. Raises OSError, UnicodeError and UnreadableFile.
    """
    texts = _array_texts if named == "json" and _begins_with(path, encoding) == "[" else _line_texts

    def again() -> Texts:
        return texts(path, encoding)

    damaged = encoding == DAMAGED
    header = _keys(again, damaged=damaged)
    if not header:
        raise UnreadableFile("found no object with a key, expected one a line, or one array of objects")
    records = json_records(again(), header, mark, damaged=damaged)
    return OpenTable(header, to_json(header), Dialect("json" if texts is _array_texts else "jsonl"), records)


def json_records(texts: Iterable[tuple[int, str]], header: list[str], mark: str, *, damaged: bool) -> Iterator[Record]:
    """Records of the texts of objects; one that is no object has no cells."""
    for line, text in texts:
        if damaged and has_bad_bytes(text):
            yield Record(line, text, None, "bad_encoding")
            continue
        values = _object(text)
        if values is None:
            yield Record(line, text, None, "bad_json")
            continue
        cells = [to_text(values[name], mark) if name in values else "" for name in header]
        problem = problem_of(cells, ())
        yield Record(line, text, None, problem) if problem else Record(line, text, cells)


def _object(text: str) -> dict[str, JsonValue] | None:
    """The object with its nested objects flattened to `a.b`; None where the text is not one."""
    try:
        value = parse_json(text)
        if not isinstance(value, dict):
            return None
        flat = dict(_flat(value, ""))
        if _SURROGATE.search(text):
            to_json(flat).encode()
    except (BadJson, RecursionError, UnicodeEncodeError):
        return None
    return flat


def _flat(value: dict[str, JsonValue], before: str) -> Iterator[tuple[str, JsonValue]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _flat(item, f"{before}{key}.")
        else:
            yield before + key, item


def _keys(again: Callable[[], Texts], *, damaged: bool) -> list[str]:
    """All keys in order of appearance, without those that are only null beside an object of that name elsewhere."""
    filled: dict[str, bool] = {}
    size = 0
    for _, text in again():
        values = None if damaged and has_bad_bytes(text) else _object(text)
        for name, value in (values or {}).items():
            if name not in filled:
                size += len(name)
                filled[name] = False
            filled[name] = filled[name] or (value is not None and value != {})
        if len(filled) > MAX_COLUMNS or size > _LONGEST_HEADER:
            raise UnreadableFile(f"found more than {MAX_COLUMNS:,} different keys, or very long ones, expected columns")
    parents = {name[:place] for name in filled for place, letter in enumerate(name) if letter == "."}
    return [name for name, is_filled in filled.items() if is_filled or name not in parents]


def _chunks(path: Path, encoding: str) -> Iterator[str]:
    with open_text(path, encoding) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _begins_with(path: Path, encoding: str) -> str:
    return next((text[0] for text in map(str.strip, _chunks(path, encoding)) if text), "")


def _line_texts(path: Path, encoding: str) -> Texts:
    """Lines that are not blank, by physical line."""
    for line, text in physical_lines(path, encoding):
        if text.strip():
            yield line, without_break(text)


def _array_texts(path: Path, encoding: str) -> Texts:
    """The elements of the one array, by position from 1, as they stand."""
    elements = _Elements()
    number = 0
    chunks = _chunks(path, encoding)
    for chunk in chunks:
        for text in elements.feed(chunk):
            number += 1
            yield number, text
        if elements.size > LONGEST:
            raise UnreadableFile(f"object {number + 1:,} of the array is longer than 16 MiB")
        if elements.ended:
            if elements.rest.strip() or any(map(str.strip, chunks)):
                raise UnreadableFile("found text after the end of the array, expected one array")
            return
    raise UnreadableFile("the array is not closed: the file is cut off, export it again")


class _Elements:
    """Cuts an array into its elements by brackets and commas alone, so that a broken one spoils no other.

    `size` is the length of the element that has begun, `rest` what stands after the array once it has `ended`.
    """

    def __init__(self) -> None:
        self.size, self.ended, self.rest = 0, False, ""
        self._parts: list[str] = []
        self._depth, self._in_string, self._escaped = 0, False, 0

    def feed(self, chunk: str) -> Iterator[str]:
        """The elements that end in the next part of the text."""
        start, position, self._escaped = 0, self._escaped, 0
        while match := _MARKS.search(chunk, position):
            letter, position = match[0], match.end()
            if letter == '"':
                self._in_string = not self._in_string
            elif letter == "\\":
                position += 1
                self._escaped = max(position - len(chunk), 0)
            elif self._in_string:
                continue
            elif letter in "[{":
                self._depth += 1
                start = position if self._depth == 1 else start
            elif self._depth == 1:
                text = "".join([*self._parts, chunk[start : match.start()]]).strip()
                self._parts, self.size, start = [], 0, position
                if text or letter == ",":
                    yield text
                if letter != ",":
                    self.ended, self.rest = True, chunk[position:]
                    return
            elif letter != ",":
                self._depth -= 1
        self._parts.append(chunk[start:])
        self.size += len(chunk) - start
