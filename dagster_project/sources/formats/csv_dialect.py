"""CSV: its dialect found from a sample, its header, its records."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from dagster_project.sources.csv_records import Line, has_bad_bytes, read_records
from dagster_project.sources.records import Dialect, OpenTable, Record

DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR = re.compile(r'"?sep=([,;|\t])"?', re.IGNORECASE)
_SAMPLE_LINES, _SAMPLE_SIZE = 200, 1024 * 1024
_ENOUGH = 3
"""So many records with broken quotes, and none with whole ones, mean that `"` is no quote."""


def open_csv(
    lines: Iterator[Line], names: Collection[str], dialect: Dialect, known: Collection[str], *, damaged: bool
) -> OpenTable | None:
    """Read the header; None where there is none that can be read.

    `names` are the column names expected, folded; `dialect` holds what is known of it, by the fields named in `known`
    (`delimiter`, `quote`, `escape`); the rest is found from a sample: the header's names decide, then how many records
    are as wide as the header. `damaged`: rows with bytes that are no UTF-8 have no cells.
    """
    filled = ((number, text) for number, text in lines if text.strip())
    first = next(filled, None)
    told = _SEPARATOR.fullmatch(first[1].strip()) if first else None
    if told:  # Excel's own first line, `sep=;`
        first = next(filled, None)
        if "delimiter" not in known:
            dialect, known = replace(dialect, delimiter=told[1]), {*known, "delimiter"}
    if first is None:
        return None
    sample = [first, *_sample(lines)]
    dialect = find_dialect([text for _, text in sample], names, dialect, known)
    records = read_records(chain(sample, lines), dialect)
    header = next(records, None)
    if header is None or header.cells is None:
        return None
    return OpenTable(header.cells, header.text, dialect, _told(records) if damaged else records)


def _sample(lines: Iterator[Line]) -> Iterator[Line]:
    size = 0
    for number, line in enumerate(lines, 2):
        yield line
        size += len(line[1])
        if number >= _SAMPLE_LINES or size > _SAMPLE_SIZE:
            return


def _told(records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        yield Record(record.line, record.text, None, "bad_encoding") if has_bad_bytes(record.text) else record


def find_dialect(sample: list[str], names: Collection[str], dialect: Dialect, known: Collection[str]) -> Dialect:
    """The dialect of a sample of lines of which the first is the header's, as far as it is not `known`."""
    if "delimiter" not in known:
        quotes = (dialect.quote,) if "quote" in known else ('"', "'")
        options = [replace(dialect, delimiter=mark, quote=quote) for mark in DELIMITERS for quote in quotes]
        dialect = replace(dialect, delimiter=max(options, key=lambda option: _fit(sample, names, option)).delimiter)
    if "quote" not in known:
        dialect = replace(dialect, quote=_quote(sample, names, dialect))
    if "escape" not in known and dialect.quote and any(f"\\{dialect.quote}" in line for line in sample):
        other = replace(dialect, escape="\\")
        dialect = other if _faults(sample, other) < _faults(sample, dialect) else dialect
    return dialect


def _fit(sample: list[str], names: Collection[str], dialect: Dialect) -> tuple[int, int]:
    """How many expected names the header has, and how many records are as wide as it, if it has several columns."""
    header = next(_parsed(sample[:1], dialect), None) or []
    width = len(header)
    found = len({cell.strip().casefold() for cell in header}.intersection(names))
    alike = sum(cells is not None and len(cells) == width for cells in _parsed(sample, dialect)) if width > 1 else 0
    return found, alike


def _quote(sample: list[str], names: Collection[str], dialect: Dialect) -> str:
    """`"` unless the sample says otherwise: names or cells in `'` and none in `"`, or only quotes that do not close."""
    double, single, none = (replace(dialect, quote=quote) for quote in ('"', "'", ""))
    with_double, with_single = _fit(sample, names, double), _fit(sample, names, single)
    if with_single[0] > with_double[0]:
        return "'"
    if _wrapped(sample, dialect.delimiter, '"'):
        return '"'
    if _wrapped(sample, dialect.delimiter, "'") and _faults(sample, single) == 0:
        return "'" if with_single > with_double or _has_quoted_column(sample, double) else '"'
    broken = sum(cells is None for cells in _parsed(sample, double))
    return "" if broken >= _ENOUGH and _faults(sample, none) == 0 else '"'


def _wrapped(sample: list[str], delimiter: str, quote: str) -> bool:
    """Whether a cell stands between quotes."""
    edge, mark = re.escape(delimiter), re.escape(quote)
    cell = re.compile(rf"(?:^|{edge}){mark}[^{mark}]*{mark}(?:{edge}|$)")
    return any(cell.search(line.rstrip("\r\n")) for line in sample)


def _has_quoted_column(sample: list[str], dialect: Dialect) -> bool:
    """Whether a column has `'` around every cell that is not empty."""
    rows = [cells for cells in _parsed(sample[1:], dialect) if cells]
    for cells in zip(*rows, strict=False):
        filled = [cell for cell in cells if cell.strip()]
        if filled and all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in filled):
            return True
    return False


def _faults(sample: list[str], dialect: Dialect) -> int:
    """Records that are broken or not as wide as the first."""
    parsed = list(_parsed(sample, dialect))
    width = len(parsed[0] or ()) if parsed else 0
    return sum(cells is None or len(cells) != width for cells in parsed)


def _parsed(sample: list[str], dialect: Dialect) -> Iterator[list[str] | None]:
    """Cells of the records in a sample; where it was cut, a last one that is broken may only be cut."""
    records = list(read_records(iter(list(enumerate(sample, 1))), dialect))
    if len(sample) >= _SAMPLE_LINES and records[-1].cells is None:
        records.pop()
    return (record.cells for record in records)
