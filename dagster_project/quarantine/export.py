"""Quarantined rows with the columns of their own files, for mending in a spreadsheet. Names people."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.config import Config
from dagster_project.errors import ConfigError
from dagster_project.exports import private_file, safe_csv, safe_xlsx
from dagster_project.quarantine.rows import Filters, Quarantine, Row
from dagster_project.sources.files import table_of
from dagster_project.sources.trial import record_of

OURS = (
    *("_quarantine_id", "_source", "_entity", "_file", "_line", "_reason", "_column", "_expected", "_fix", "_text"),
    "_surplus",
)
"""Our columns, before the files' own. `_text`: the row as received; `_surplus`: cells that no column stands over."""

_BATCH = 5_000
Values = list[str | int | None]


@dataclass(frozen=True)
class Export:
    """`columns` and, as often as they are asked for, the rows under them."""

    columns: list[str]
    rows: Callable[[], Iterator[Values]]


def _cut(config: Config, quarantine: Quarantine, row: Row) -> tuple[list[str], list[str]]:
    """(names, cells) of a row; no names where its file's header is not known."""
    info = quarantine.info(row)
    source = next((source for source in config.sources if source.name == row.source), None)
    if info is None or source is None:
        return [], []
    _, table = table_of(source, row.entity, row.file, info.sheet)
    opened, record = record_of(info, table, row.line, row.raw_text)
    return _distinct(opened.header if opened else []), record.cells or []


def _distinct(header: list[str]) -> list[str]:
    """Names of columns that differ from one another and from ours."""
    names: list[str] = []
    for place, name in enumerate(header, 1):
        plain = name.strip() or f"column {place}"
        while plain in names or plain in OURS:
            plain += f" ({place})"
        names.append(plain)
    return names


def export_of(config: Config, quarantine: Quarantine, filters: Filters) -> Export:
    """The rows that fit. Where files have different headers, every column of each of them is there."""
    columns = dict.fromkeys(OURS)
    for row in quarantine.rows(filters):
        columns |= dict.fromkeys(_cut(config, quarantine, row)[0])
    names = list(columns)

    def rows() -> Iterator[Values]:
        for row in quarantine.rows(filters):
            header, cells = _cut(config, quarantine, row)
            values: dict[str, str | int | None] = dict(zip(header, cells, strict=False))
            surplus = json.dumps(cells[len(header) :], ensure_ascii=False) if len(cells) > len(header) else None
            ours = (row.quarantine_id, row.source, row.entity, row.file, row.line, row.reason, row.column_name)
            values |= dict(zip(OURS, (*ours, row.expected, row.fix, row.raw_text, surplus), strict=True))
            yield [values.get(name) for name in names]

    return Export(names, rows)


def _csv(export: Export, path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark by which Excel knows UTF-8
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([safe_csv(name) for name in export.columns])
        writer.writerows([safe_csv(value) for value in row] for row in export.rows())


def _jsonl(export: Export, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in export.rows():
            file.write(json.dumps(dict(zip(export.columns, row, strict=True)), ensure_ascii=False) + "\n")


def _xlsx(export: Export, path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("quarantine")
    sheet.append([safe_xlsx(sheet, name) for name in export.columns])
    for number, row in enumerate(export.rows(), 2):
        if number > 1_048_576:
            raise ConfigError("--format: found more rows than a sheet of xlsx holds, expected csv, parquet or jsonl")
        sheet.append([safe_xlsx(sheet, value) for value in row])
    book.save(path)


def _parquet(export: Export, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.int64() if name == "_line" else pa.string()) for name in export.columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        batch: list[Any] = []

        def flush() -> None:
            if batch:
                columns = zip(*batch, strict=True)
                arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                batch.clear()

        for row in export.rows():
            batch.append(row)
            if len(batch) >= _BATCH:
                flush()
        flush()


FORMATS: dict[str, Callable[[Export, Path], None]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "jsonl": _jsonl,
}


def write_export(export: Export, out: Path, format_: str | None) -> None:
    """Write them to a file that only its owner may read; the format is that of the name where none is given.

    Raises ConfigError for an unknown format and a folder that is not there.
    """
    chosen = format_ or out.suffix.removeprefix(".").lower()
    if chosen not in FORMATS:
        where = "--format" if format_ else "--out"
        raise ConfigError(f'{where}: found "{format_ or out.name}", expected one of: {", ".join(FORMATS)}')
    if not out.absolute().parent.is_dir() or out.is_dir():
        raise ConfigError(f"--out: found {out}, expected a file in a folder that is there")
    with private_file(out) as path:
        FORMATS[chosen](export, path)
