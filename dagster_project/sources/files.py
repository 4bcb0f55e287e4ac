"""What the configuration says of a source's files: which table reads one, by which rules, when it is read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal
from zoneinfo import ZoneInfo

from dagster_project.config import Source, Table
from dagster_project.entities import ENTITIES, Entity
from dagster_project.sources.convert import Rules
from dagster_project.sources.formats.kinds import SUFFIXES, ZIP, split_sheet, suffix, without_gzip
from dagster_project.sources.rates import Rates
from dagster_project.sources.records import Record

PARSER_VERSION = 2
"""Raise it when the same file would be read differently: every file is then read again once."""

BATCH = 20_000
_BATCH_SIZE = 64 * 1024 * 1024  # characters


def table_of(source: Source, entity: str, unit: str, sheet: str | None = None) -> tuple[bool, Table | None]:
    """Whether the configuration still reads a file (or the sheet of one) as `entity`, and by which table."""
    file, named_sheet = split_sheet(unit)
    sheet = sheet or named_sheet
    if not source.tables:
        own = own_name(file)
        return (entity_named(own) or entity_named(sheet or "")) == entity and has_format(own), None
    for table in source.tables:
        if table.entity == entity and _matches(file, table.file) and (sheet is None or reads_sheet(table, sheet)):
            return True, table
    return False, None


def own_name(file: str) -> str:
    """The name of a file without its folders, or those of its archive."""
    return file.rpartition("/")[2]


def entity_named(name: str) -> str | None:
    """The entity whose name a file's or a sheet's begins with."""
    return next((entity for entity in ENTITIES if name.casefold().startswith(entity)), None)


def has_format(name: str) -> bool:
    """Whether a name is that of a file that can be read."""
    return suffix(without_gzip(name)) in SUFFIXES or (suffix(name) == ".gz" and not suffix(without_gzip(name)))


def reads_sheet(table: Table, sheet: str) -> bool:
    """Whether a table reads a sheet of that name."""
    return table.sheet is None or fnmatchcase(sheet.casefold(), table.sheet.casefold())


def split_archive(name: str) -> tuple[str, str]:
    """`export.zip` and `calls.csv` of `export.zip/calls.csv`; the second part is empty where there is none."""
    place = name.casefold().find(f"{ZIP}/")
    return (name, "") if place < 0 else (name[: place + len(ZIP)], name[place + len(ZIP) + 1 :])


def _matches(file: str, pattern: str) -> bool:
    archive, _ = split_archive(file)
    patterns = (pattern, pattern.replace("**/", ""))  # `**/` stands for no folder, too
    return any(fnmatchcase(name, form) for name in (file, archive) for form in patterns)


def rules_of(source: Source, table: Table | None, excel_epoch: Literal[1900, 1904] | None = None) -> Rules:
    """How the cells of a table are written."""
    if table is None:
        return Rules(source.zone, excel_epoch=excel_epoch)
    return Rules(
        ZoneInfo(table.timezone or source.timezone),
        table.decimal,
        table.time_formats,
        table.durations,
        table.two_digit_years_from,
        excel_epoch,
    )


def mapping_hash(source: Source, entity: Entity, table: Table | None, rates: Rates, erased: str) -> str:
    """Changes with everything but the file itself that decides what its rows become; `erased`: the list's digest."""
    parts = {
        "parser": PARSER_VERSION,
        "entity": repr(entity.columns) + repr(entity.key),
        "table": table.model_dump(mode="json") if table else None,
        "timezone": source.timezone,
        "id_space": source.id_space,
        "erased": erased if entity.person_columns else "",
        "rates": rates.digest if entity.name == "spend" else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def batches(records: Iterator[Record], size: int = BATCH) -> Iterator[list[Record]]:
    """Records in lists of at most `size`; fewer where their texts are long."""
    batch: list[Record] = []
    length = 0
    for record in records:
        batch.append(record)
        length += len(record.text)
        if len(batch) >= size or length >= _BATCH_SIZE:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch
