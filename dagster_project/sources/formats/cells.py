"""Values of formats that have types, as the text of a cell; between file and text they are JSON values.

A JSON value is None, True, False, a text, a `Number` (its text), a list or a dict: raw keeps those, so that the same
cells come out when it is read again, whatever decimal mark the table has then.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

from dagster_project.sources.records import HUGE_CELL, Problem, Record

JsonValue = Any
_PLAIN = re.compile(r"(-?\d+)(?:\.(\d+))?", re.ASCII)
_LONGEST_EXPONENT = 400
_BYTES = "$bytes"
"""The key of an object that stands for bytes that are no UTF-8, in base64."""


class Number(str):
    """The text of a number: of JSON as it stands there."""

    __slots__ = ()


class BadJson(ValueError):  # noqa: N818 - named for what it tells
    """A text that is not one JSON value, or an object with the same key twice."""


def _pairs(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise BadJson("the same key twice")
    return result


def _constant(text: str) -> JsonValue:
    return None if text == "NaN" else text


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=Number, parse_float=Number, parse_constant=_constant, strict=False
)


def parse_json(text: str) -> JsonValue:
    """One JSON value; numbers keep their text. Raises BadJson."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from None


def to_json(value: JsonValue) -> str:
    """A JSON value as JSON, compact, numbers as they are."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_basestring(str(key))}:{to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return encode_basestring(value)
    return "null" if value is None else "true" if value else "false"


def native(value: object) -> JsonValue:  # noqa: PLR0911 - a type a line
    """A Python value as a JSON value."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | Decimal):
        return Number(value) if not isinstance(value, Decimal) or value.is_finite() else None
    if isinstance(value, float):
        return Number(repr(value)) if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {str(key): native(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [native(item) for item in value]
    if isinstance(value, bytes):
        return of_bytes(value)
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)


def of_bytes(value: bytes) -> JsonValue:
    """Bytes as the UTF-8 they hold, or as an object that `cell_problem` knows."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {_BYTES: base64.b64encode(value).decode("ascii")}


def to_text(value: JsonValue, mark: str = ".") -> str:
    """The text of a cell: numbers plain with the decimal mark, whole ones without; scalars of a list joined by `;`."""
    if isinstance(value, Number):
        return _number(value, mark)
    if isinstance(value, str):
        return value
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ";".join(to_text(item, mark) for item in value if item is not None)
    return to_json(value)


def _number(text: str, mark: str) -> str:
    match = _PLAIN.fullmatch(text)
    if match is None:
        try:
            number = Decimal(text)
        except InvalidOperation:
            return str(text)
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > _LONGEST_EXPONENT:
            return str(text)
        match = _PLAIN.fullmatch(f"{number:f}")
    if match is None or not match[2] or not match[2].strip("0"):
        return match[1] if match else str(text)
    return f"{match[1]}{mark}{match[2]}"


def problem_of(cells: Sequence[str], values: Iterable[JsonValue]) -> Problem | None:
    """Why a record's cells cannot be used: one that is too long, or that holds bytes that are no UTF-8."""
    if max(map(len, cells), default=0) > HUGE_CELL:
        return "huge_cell"
    return "bad_encoding" if any(isinstance(value, dict) and _BYTES in value for value in values) else None


def array_record(line: int, values: list[JsonValue], mark: str) -> Record:
    """The record of a row of values."""
    return _record(line, to_json(values), values, mark)


def _record(line: int, text: str, values: list[JsonValue], mark: str) -> Record:
    cells = [to_text(value, mark) for value in values]
    problem = problem_of(cells, values)
    return Record(line, text, None, problem) if problem else Record(line, text, cells)


def stored_arrays(texts: Iterable[tuple[int, str]], mark: str) -> Iterator[Record]:
    """Records that raw keeps as JSON arrays, again."""
    for line, text in texts:
        try:
            values = parse_json(text)
        except BadJson:  # an erased person's record of which nothing was kept
            yield Record(line, text, None, "bad_json")
        else:
            yield _record(line, text, values, mark)
