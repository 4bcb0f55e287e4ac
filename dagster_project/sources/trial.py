"""Rows of the quarantine tried again: what a load would make of them now. Nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dagster_project.config import Config, Source, Table
from dagster_project.entities import ENTITIES, Entity
from dagster_project.sources import files
from dagster_project.sources.discovery import InputFile, discover
from dagster_project.sources.formats.reader import dialect_of, open_stored
from dagster_project.sources.reading import Reader, Reading
from dagster_project.sources.records import OpenTable, Record
from dagster_project.sources.rejects import Reject
from dagster_project.sources.report import Finding, LoadReport
from dagster_project.warehouse import merge
from dagster_project.warehouse.raw import RawInfo
from dagster_project.warehouse.working import prepare_working


@dataclass(frozen=True)
class TriedFile:
    """What a load would make of a file now.

    `sha256` is None where it could not be read as far as its rows; `gone` where nothing is there to be read, or the
    configuration no longer reads it. `critical` would refuse the load.
    """

    sha256: str | None
    rows: int
    rejects: tuple[Reject, ...]
    critical: tuple[Finding, ...]
    gone: bool = False


@dataclass(frozen=True)
class TriedRow:
    """What a load would make of one row now. `fate`: `loads`, `filtered` or `fails`; `reject` says why it fails.

    `feeds`: the places of the cells that each column is made of.
    """

    fate: str
    feeds: Mapping[str, tuple[int, ...]]
    reject: Reject | None = None


def record_of(info: RawInfo, table: Table | None, line: int, text: str) -> tuple[OpenTable | None, Record]:
    """A stored version of a file with one of its rows alone, and that row cut into cells."""
    opened = open_stored(info, [(line, text)], table)
    record = next(opened.records, None) if opened else None
    return opened, record or Record(line, text, None)


class Trial:
    """Reads files of a source as a load does, and keeps nothing; `with trial_of(config, source) as trial: ...`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, config: Config, source: Source) -> None:
        self._connection, self._config, self._source = connection, config, source
        self._report = LoadReport(source.name, "trial")
        self.reader = Reader(config, source, self._report, "trial", datetime.now(UTC), keeps=False)
        self._found: dict[tuple[str, str], InputFile] = {}
        self._contents: dict[tuple[str, str], str] = {}

    def present(self) -> set[tuple[str, str]]:
        """(entity, file) of the files that the configuration reads now. Raises SourceUnreachable."""
        if not self._found:
            ours = (*self._config.ours, self._config.seeds_path)
            found = discover(self._source, self.reader.spool, may_be_empty=frozenset(ENTITIES), ours=ours)
            self._found = {(file.entity.name, file.file): file for file in found.files}
        return set(self._found)

    def has_changed(self, entity: str, file: str, sha256: str) -> bool:
        """Whether the folder holds the file with another content than that."""
        if (entity, file) not in self.present():
            return False
        if (entity, file) not in self._contents:
            self._contents[entity, file] = self.reader.fingerprint_of(self._found[entity, file])[1].sha256
        return self._contents[entity, file] != sha256

    def file(self, entity: str, file: str, sha256: str) -> TriedFile:
        """Read and check a file as it is in the folder; in append mode its stored version of that content before it."""
        self._report.critical.clear()
        kind = ENTITIES[entity]
        reading = self._reading(kind, file, sha256)
        read = self.reader.read(merge.Stage(self._connection, kind), reading) if reading is not None else None
        critical = tuple(self._report.critical)
        if read is None:
            return TriedFile(None, 0, (), critical, gone=not critical)
        return TriedFile(read.report.sha256, read.report.rows, tuple(read.rejects), critical)

    def _reading(self, entity: Entity, file: str, sha256: str) -> Reading | None:
        reading = None
        if (entity.name, file) in self.present():
            reading = self.reader.examine(self._found[entity.name, file])
        wanted, table = files.table_of(self._source, entity.name, file)
        if not (wanted and self._source.mode == "append") or (reading and reading.print.sha256 == sha256):
            return reading
        stored = [
            version
            for version in self.reader.store.versions(self._source.name, entity.name)
            if version[0].file == file and version[0].sha256 == sha256
        ]
        return self.reader.from_raw(entity, table, stored[-1]) if stored else reading

    def row(self, info: RawInfo, line: int, text: str) -> TriedRow:
        """Read one row by itself, under the header of its file and with the present mapping.

        Whether its id stands elsewhere in the file is not looked at.
        """
        entity = ENTITIES[info.entity]
        _, table = files.table_of(self._source, entity.name, info.file, info.sheet)
        opened, record = record_of(info, table, line, text)
        plan = self.reader.plan(entity, table, opened or OpenTable([], "", dialect_of(info), iter(())))
        if plan.findings.critical:
            reject = Reject(
                line, text, "required_column", expected="no header that lacks it: " + plan.findings.critical[0]
            )
            return TriedRow("fails", plan.feeds, reject)
        batch = plan.convert([record])
        if batch.rejects:
            return TriedRow("fails", plan.feeds, batch.rejects[0])
        return TriedRow("filtered" if batch.filtered else "loads", plan.feeds)


@contextmanager
def trial_of(config: Config, source: Source) -> Iterator[Trial]:
    """A trial in a database of its own that goes with it. Raises ConfigError where `fx_rates` cannot be read."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder) / "trial.duckdb")) as connection:
        prepare_working(connection)
        trial = Trial(connection, config, source)
        with trial.reader.spool:
            yield trial
