"""A file, or what raw keeps of it, as an open table, whatever its format."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from dagster_project.config import Table
from dagster_project.entities import Entity
from dagster_project.sources.csv_records import DAMAGED, Line, csv_reader, lines_of_records, physical_lines
from dagster_project.sources.formats.cells import parse_json, stored_arrays, to_text
from dagster_project.sources.formats.csv_dialect import open_csv
from dagster_project.sources.formats.json_records import json_records, open_json
from dagster_project.sources.formats.parquet import open_parquet
from dagster_project.sources.formats.xlsx import open_xlsx
from dagster_project.sources.records import Dialect, Format, OpenTable
from dagster_project.warehouse.raw import RawInfo

_ALL_KNOWN = ("delimiter", "quote", "escape")


def raw_names(entity: Entity, table: Table | None) -> Collection[str]:
    """The names that a header should hold, folded."""
    names: set[str] = set(entity.column_names)
    if table and table.columns:
        names = set(table.raw_names)
    if table:
        names |= {*table.keep, *table.drop}
    return {name.strip().casefold() for name in names}


def open_file(
    path: Path, named: Format, encoding: str, entity: Entity, table: Table | None, sheet: str | None
) -> OpenTable | None:
    """Open a plain file; None where it has no header that can be read.

    Raises OSError, UnicodeError, and UnreadableFile with one line; so may the records while they are read.
    """
    mark, skip = (table.decimal, table.skip_lines) if table else (".", 0)
    if named == "parquet":
        return open_parquet(path, mark)
    if named == "xlsx":
        return open_xlsx(path, sheet or "", mark, skip)
    if named != "csv":
        return open_json(path, encoding, named, mark)
    dialect, known = _told(table)
    lines = physical_lines(path, encoding, skip=skip)
    return open_csv(lines, raw_names(entity, table), dialect, known, damaged=encoding == DAMAGED)


def _told(table: Table | None) -> tuple[Dialect, Collection[str]]:
    """What the mapping says of the dialect, and of which of its fields."""
    dialect, known = Dialect("csv", ",", '"'), []
    if table and table.delimiter:
        dialect, known = replace(dialect, delimiter=table.delimiter), ["delimiter"]
    if table and table.quote:
        dialect, known = replace(dialect, quote="" if table.quote == "none" else table.quote), [*known, "quote"]
    if table and table.escape:
        dialect, known = replace(dialect, escape="\\" if table.escape == "backslash" else ""), [*known, "escape"]
    return dialect, known


def open_stored(info: RawInfo, texts: Iterable[tuple[int, str]], table: Table | None) -> OpenTable | None:
    """Open texts (line, text) of a stored version: the same cells as from the file it was."""
    mark = table.decimal if table else "."
    dialect, damaged = dialect_of(info), info.encoding == DAMAGED
    if info.format == "csv":
        first: Line = (0, info.header + "\n")
        return open_csv(chain([first], lines_of_records(texts)), (), dialect, _ALL_KNOWN, damaged=damaged)
    header = stored_header(info)
    if info.format in ("json", "jsonl"):
        records = json_records(texts, header, mark, damaged=damaged)
    else:
        records = stored_arrays(texts, mark)
    return OpenTable(header, info.header, dialect, records)


def dialect_of(info: RawInfo) -> Dialect:
    """How a stored version was written."""
    if info.format == "csv":
        return Dialect("csv", info.delimiter, info.quote, info.escape)
    return Dialect(info.format, excel_epoch=info.excel_epoch)


def stored_header(info: RawInfo) -> list[str]:
    """The columns of a stored version."""
    if info.format == "csv":
        lines = [line for _, line in lines_of_records([(0, info.header)])]
        return next(csv_reader(lines, dialect_of(info)), [])
    return [to_text(name) for name in parse_json(info.header)]
