"""Sources of kind `files`: which files of a folder feed which entity, and their records one batch at a time."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import chain, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from dagster_project.config import Source, Table, nearest
from dagster_project.entities import ENTITIES, Entity
from dagster_project.errors import SourceUnreachable
from dagster_project.sources.convert import Rules
from dagster_project.sources.csv_records import Line, Record, read_records, split_header
from dagster_project.sources.rates import Rates

PARSER_VERSION = 2
"""Raise it when the same file would be read differently: every file is then read again once."""

BATCH = 20_000
_SEPARATOR = re.compile(r'"?sep=([,;|\t])"?', re.IGNORECASE)
_DATA = frozenset({".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson", ".xlsx", ".xls", ".gz", ".zip"})
_NOT_READ_YET = frozenset({".parquet", ".jsonl", ".ndjson", ".json", ".xlsx", ".xls"})


@dataclass(frozen=True)
class InputFile:
    """A file that feeds an entity; `file` is relative to the source's folder, `table` None where it is canonical."""

    entity: Entity
    file: str
    path: Path
    table: Table | None


@dataclass
class Discovery:
    """The files of a source, and what is wrong with the folder: (check, subject, words)."""

    files: list[InputFile] = field(default_factory=list)
    warnings: list[tuple[str, str, str]] = field(default_factory=list)
    critical: list[tuple[str, str, str]] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    """Entities of which files are missing that may be."""


def discover(
    source: Source, *, may_be_empty: frozenset[str] = frozenset(), ours: Iterable[Path | None] = ()
) -> Discovery:
    """Find a source's files, sorted by name. Raises SourceUnreachable where its folder is not there.

    `may_be_empty`: entities whose files may all be gone, because they stay loaded, or because that was accepted.
    `ours`: folders that hold no exports, should they lie below the source's.
    """
    if not source.path.is_dir():
        raise SourceUnreachable(f'{source.name}: found no folder "{source.path}", expected the source\'s files')
    try:
        found = _mapped(source, may_be_empty) if source.tables else _canonical(source, may_be_empty, ours)
    except OSError as error:
        raise SourceUnreachable(f'{source.name}: the folder "{source.path}" cannot be read: {error.strerror}') from None
    found.files.sort(key=lambda file: (file.entity.name, file.file))
    return found


def table_of(source: Source, entity: str, file: str) -> tuple[bool, Table | None]:
    """Whether the configuration still reads `file` as `entity`, and by which table."""
    if not source.tables:
        return _is_canonical(file, entity), None
    for table in source.tables:
        if table.entity == entity and fnmatchcase(file, table.file):
            return True, table
    return False, None


def _is_canonical(file: str, entity: str) -> bool:
    return file.casefold().startswith(entity) and file.casefold().endswith(".csv")


def _name(path: Path, source: Source) -> str:
    """The file's name relative to the source's folder; bytes that are no text become question marks."""
    return path.relative_to(source.path).as_posix().encode("utf-8", "replace").decode("utf-8")


def _mapped(source: Source, may_be_empty: frozenset[str]) -> Discovery:
    found = Discovery()
    seen: set[tuple[str, str]] = set()
    for number, table in enumerate(source.tables):
        paths = sorted(path for path in source.path.glob(table.file) if path.is_file())
        if not paths and table.entity in may_be_empty:
            found.absent.add(table.entity)
        elif not paths:
            text = f"found no file in the source's folder for table[{number}] ({table.entity})"
            close = nearest(table.file, [path.name for path in source.path.iterdir()])
            found.critical.append(
                ("no_file", f"{source.name}/{table.file}", text + (f', nearest is "{close}"' if close else ""))
            )
        for path in paths:
            name = _name(path, source)
            if (table.entity, name) in seen:
                text = f"two tables of {table.entity} read this file, expected one"
                found.critical.append(("file_read_twice", f"{source.name}/{name}", text))
                continue
            seen.add((table.entity, name))
            found.files.append(InputFile(ENTITIES[table.entity], name, path, table))
    return found


def _below(source: Source, ours: Iterable[Path | None]) -> list[str]:
    """Data files in the subfolders of a source, as they would be named."""
    skipped = {folder.resolve() for folder in ours if folder}
    found: list[str] = []
    for folder, subfolders, names in os.walk(source.path):
        here = Path(folder)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and (here / name).resolve() not in skipped
        )
        if here != source.path:
            paths = [here / name for name in sorted(names) if not name.startswith(".")]
            found += [_name(path, source) for path in paths if path.suffix.casefold() in _DATA]
    return found


def _canonical(source: Source, may_be_empty: frozenset[str], ours: Iterable[Path | None]) -> Discovery:
    found = Discovery()
    for path in sorted(path for path in source.path.iterdir() if path.is_file() and not path.name.startswith(".")):
        entity = next((name for name in ENTITIES if path.name.casefold().startswith(name)), None)
        name, suffix = _name(path, source), path.suffix.casefold()
        subject = f"{source.name}/{name}"
        if entity and suffix == ".csv":
            found.files.append(InputFile(ENTITIES[entity], name, path, None))
        elif entity and suffix in _NOT_READ_YET:
            found.critical.append(
                ("unreadable_file", subject, f"files of type {suffix} are not read yet, expected .csv")
            )
        elif suffix in _DATA:
            close = nearest(name.split(".")[0], list(ENTITIES))
            text = "the file's name is that of no entity, it is not read" + (
                f"; nearest is {close}.csv" if close else ""
            )
            found.warnings.append(("unmatched_file", subject, text))
    below = _below(source, ours)
    if below:
        number = f"{len(below):,} files in subfolders are" if len(below) > 1 else "1 file in a subfolder is"
        text = (
            f'{number} not read, the first is "{below[0]}"; expected them in the folder itself, or tables with a'
            " pattern such as **/*.csv"
        )
        found.warnings.append(("unmatched_file", source.name, text))
    if not found.files and may_be_empty:
        found.absent |= may_be_empty
    elif not found.files and not found.critical:
        text = 'found no file of an entity, such as "inquiries.csv" or "touches-2026-11.csv"'
        found.critical.append(("no_file", source.name, text))
    return found


def rules_of(source: Source, table: Table | None) -> Rules:
    """How the cells of a table are written."""
    if table is None:
        return Rules(source.zone)
    return Rules(
        ZoneInfo(table.timezone or source.timezone),
        table.decimal,
        table.time_formats,
        table.durations,
        table.two_digit_years_from,
    )


def mapping_hash(source: Source, entity: Entity, table: Table | None, rates: Rates) -> str:
    """Changes with everything but the file itself that decides what its rows become."""
    parts = {
        "parser": PARSER_VERSION,
        "entity": repr(entity.columns) + repr(entity.key),
        "table": table.model_dump(mode="json") if table else None,
        "timezone": source.timezone,
        "id_space": source.id_space,
        "rates": rates.digest if entity.name == "spend" else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class OpenTable:
    """A header and the records below it. `header_text` is the header's line as it stands."""

    header: list[str]
    header_text: str
    delimiter: str
    records: Iterator[Record]


def open_table(
    lines: Iterator[Line], entity: Entity, table: Table | None, delimiter: str | None = None
) -> OpenTable | None:
    """Read the header; None where there is none that can be read.

    Without a configured delimiter the one that finds most of the expected names is taken.
    """
    filled = ((number, text) for number, text in lines if text.strip())
    first = next(filled, None)
    told = _SEPARATOR.fullmatch(first[1].strip()) if first else None
    if told:  # Excel's own first line, `sep=;`
        first = next(filled, None)
    if first is None:
        return None
    delimiter = delimiter or (table.delimiter if table else None) or (told[1] if told else None)
    if delimiter is None:
        names = table.raw_names if table and table.columns else entity.column_names
        delimiter = split_header(first[1], {name.strip().casefold() for name in names})
    records = read_records(chain([first], lines), delimiter)
    header = next(records, None)
    if header is None or header.cells is None:
        return None
    return OpenTable(header.cells, header.text, delimiter, records)


def batches(records: Iterator[Record], size: int = BATCH) -> Iterator[list[Record]]:
    """Records in lists of at most `size`."""
    while batch := list(islice(records, size)):
        yield batch
