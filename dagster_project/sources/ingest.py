"""Ingest: one source's files into the working database, whole or not at all."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.config import Config, Source
from dagster_project.entities import ENTITIES, PERSONAL_COLUMNS, Entity
from dagster_project.sources import files
from dagster_project.sources.discovery import InputFile, discover
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.reading import FileRead, Progress, Reader, Reading
from dagster_project.sources.report import FileReport, Finding, LoadRefused, LoadReport
from dagster_project.warehouse import merge, source_rows
from dagster_project.warehouse.load_log import LoadLog, Rejected, Unit, published_counts
from dagster_project.warehouse.raw import RawDamaged, RawInfo, content_name
from dagster_project.warehouse.refused import forget_refused, keep_refused

MAX_PERCENT_SHRINK = 20


def ingest_source(
    connection: duckdb.DuckDBPyConnection,
    config: Config,
    source: Source,
    *,
    load_id: str,
    clock: datetime,
    accept_shrink: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Bring `raw.<entity>`, the load log and the quarantine up to what a source's files hold now, in one transaction.

    `connection` is a prepared working database, `clock` the present moment (aware). `strict` makes warnings critical.
    Raises LoadRefused (a CriticalProblem) with one line for every critical problem of every file; the transaction is
    then rolled back and the source's earlier state stands. Raises SourceUnreachable where the folder is not there, and
    ConfigError where the seed `fx_rates` cannot be read.
    """
    load = _Load(connection, config, source, load_id, clock, accept_shrink=accept_shrink, progress=progress)
    report = load.report
    connection.execute("BEGIN TRANSACTION")
    try:
        with load.reader.spool:
            load.run()
        refused = report.critical + (report.findings if strict else [])
        if refused:
            refused += load.keep_refused(refused)
            raise LoadRefused(report, refused)
        load.reader.publish()
    except BaseException:
        load.reader.discard()
        with suppress(duckdb.TransactionException):  # an engine that failed has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    forget_refused(config.refused_dir, [other.name for other in config.sources if other.name != source.name])
    return report


class _Load:
    """One load of one source."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        config: Config,
        source: Source,
        load_id: str,
        clock: datetime,
        *,
        accept_shrink: bool,
        progress: Progress | None,
    ) -> None:
        self.report = LoadReport(source.name, load_id)
        self._connection, self._config, self._source = connection, config, source
        self._load_id, self._clock, self._accept_shrink = load_id, clock, accept_shrink
        self._log = LoadLog(connection, source.name, load_id, clock)
        self.reader = Reader(config, source, self.report, load_id, clock, progress=progress)
        self._append = source.mode == "append"
        self._before: dict[str, int] = {}

    # -- the whole

    def run(self) -> None:
        source = self._source
        known = {name: self._log.units(entity) for name, entity in ENTITIES.items()}
        damaged: dict[str, list[RawDamaged]] = {name: [] for name in ENTITIES}
        stored = {
            name: self.reader.store.versions(source.name, name, damaged[name]) if self._append else []
            for name in ENTITIES
        }
        self._before = self._earlier_counts()
        stays = {name for name in ENTITIES if self._append and (known[name] or stored[name])}
        stays |= source_rows.read_accepted(self._connection, source)
        if self._accept_shrink:
            stays |= {name for name in ENTITIES if known[name] or self._before[name]}
        ours = (*self._config.ours, self._config.seeds_path)
        found = discover(source, self.reader.spool, may_be_empty=frozenset(stays), ours=ours)
        if self._accept_shrink:
            source_rows.write_accepted(self._connection, source, found.absent)
        self._warn(*(Finding(*finding) for finding in found.warnings))
        self.report.critical += [Finding(*finding) for finding in found.critical]
        unsettled = source_rows.write_source(self._connection, self._config, source)
        for name, entity in ENTITIES.items():
            problems = len(self.report.critical)
            self._log.forget_notes(entity)
            inputs = [file for file in found.files if file.entity.name == name]
            if inputs or known[name] or stored[name] or damaged[name]:
                self._entity(entity, inputs, known[name], stored[name], damaged[name])
            if len(self.report.critical) == problems:
                self._check_shrink(entity)
        for id_space in sorted(unsettled):
            for entity in ENTITIES.values():
                merge.resolve(self._connection, entity, id_space=id_space, load_id=self._load_id)
                merge.recount(self._connection, entity, id_space)
        if not self.report.critical:
            self._tell_repeats()
        source_rows.write_loaded(self._connection, source, self._load_id)
        self._finish()

    def keep_refused(self, refused: list[Finding]) -> list[Finding]:
        """Keep the rows that could not be read for whoever mends them; returns what went wrong with that."""
        told = [(finding.check, finding.subject, finding.message) for finding in refused]
        source, at = self._source.name, self._clock.isoformat()
        try:
            keep_refused(
                self._connection, self._config.refused_dir, source, refused_at=at, told=told, infos=self.reader.infos
            )
        except (OSError, duckdb.Error) as error:  # the refusal must be told all the same
            why = getattr(error, "strerror", None) or type(error).__name__
            text = f"the rows that cannot be read could not be kept: {why}"
            return [Finding("refused_rows", source, text)]
        return []

    def _warn(self, *findings: Finding) -> None:
        self.report.findings += findings

    def _tell_repeats(self) -> None:
        """Rows without id that repeat another, in whatever file: each load counts them anew."""
        source = self._source
        before = source_rows.read_before(self._connection, source, self._load_id)
        for entity in ENTITIES.values():
            found = merge.repeats(self._connection, entity, source.name, before) if entity.key_optional else None
            if found is None:
                continue
            text = f"{found.count:,} lines without {entity.key[0]} repeat an earlier one word for word, all loaded"
            if (found.first_source, found.first_file) != (source.name, found.file):
                text += f"; line {found.line} is line {found.first_line} of {found.first_source}/{found.first_file}"
            self._warn(Finding("repeated_lines", f"{source.name}/{found.file}", text))

    # -- one entity

    def _entity(
        self,
        entity: Entity,
        inputs: list[InputFile],
        known: list[Unit],
        stored: list[tuple[RawInfo, Path]],
        damaged: list[RawDamaged],
    ) -> None:
        source, connection = self._source, self._connection
        readings: list[Reading] = []
        retired: list[merge.Retired] = []
        problems = len(self.report.critical)
        current: set[str] = set()
        for file in inputs:
            current.add(file.file)
            units = [unit for unit in known if unit.file == file.file]
            reading = self._to_read(file, units)
            if reading is None:
                continue
            readings.append(reading)
            for unit in units:
                increment = self._append and unit.sha256 != reading.print.sha256
                retired.append(merge.Retired(unit.file, unit.version, keeps_rows=increment))
                if increment:
                    self._log.set_status(entity, unit, "gone")
                else:
                    self._log.retire(entity, unit)
        fresh = {(reading.file, reading.print.sha256) for reading in readings}
        self._tell_damaged(entity, damaged, known, fresh)
        earlier, outdated = self._earlier(entity, current, known, stored, fresh)
        retired += outdated
        if not readings and not earlier and not retired:
            return
        stage = merge.Stage(connection, entity)
        for reading in [*earlier, *readings]:
            read = self.reader.read(stage, reading)
            if read is not None:
                self._write_log(reading, read)
        if len(self.report.critical) > problems:
            return  # the sums of a source that is not loaded would only mislead
        if self._append:
            stage.drop_outdated()
        merge.merge(
            connection,
            entity,
            source=source.name,
            id_space=source.id_space,
            load_id=self._load_id,
            retired=merge.distinct(retired),
        )
        merge.resolve(connection, entity, id_space=source.id_space, load_id=self._load_id)
        merge.recount(connection, entity, source.id_space)
        if self._append:
            self._log.retire_empty_increments(entity)

    def _to_read(self, file: InputFile, units: list[Unit]) -> Reading | None:
        """Whether a file has to be read; None where it is as it was, or cannot be."""
        reading = self.reader.examine(file)
        if reading is None:
            return None
        mapping = self.reader.mapping_hash(file.entity, file.table)
        for unit in units:
            if unit.status != "gone" and unit.sha256 == reading.print.sha256 and unit.mapping_hash == mapping:
                self._log.set_status(file.entity, unit, "unchanged")
                self._warn(*(Finding(*finding) for finding in unit.warnings))
                self.reader.drop(file)
                return None
        return reading

    def _earlier(
        self,
        entity: Entity,
        current: set[str],
        known: list[Unit],
        stored: list[tuple[RawInfo, Path]],
        fresh: set[tuple[str, str]],
    ) -> tuple[list[Reading], list[merge.Retired]]:
        """Versions that the folder no longer holds: in append mode they stay (read again from raw if they must be)."""
        source = self._source
        readings: list[Reading] = []
        retired: list[merge.Retired] = []
        sheets = {(info.file, info.sha256): info.sheet for info, _ in stored}
        for unit in known:
            wanted, table = files.table_of(source, entity.name, unit.file, sheets.get((unit.file, unit.sha256)))
            if unit.file in current and unit.status != "gone":
                continue
            if not self._append or not wanted:
                retired.append(merge.Retired(unit.file, unit.version))
                self._log.retire(entity, unit, note=not self._append and unit.file not in current)
                continue
            self._log.set_status(entity, unit, "gone")
            if unit.mapping_hash == self.reader.mapping_hash(entity, table) or (unit.file, unit.sha256) in fresh:
                continue
            again = next((v for v in reversed(stored) if v[0].file == unit.file and v[0].sha256 == unit.sha256), None)
            if again is None:
                self._warn(
                    Finding(
                        "raw_version_missing",
                        f"{source.name}/{unit.file}",
                        "the file and its raw copy are gone, its rows stay as an earlier mapping read them",
                    )
                )
                continue
            retired.append(merge.Retired(unit.file, unit.version))
            self._log.retire(entity, unit)
            readings.append(self.reader.from_raw(entity, table, again))
        # A version newer than all that is remembered of its file: the load that stored it was killed before its commit.
        remembered: dict[str, datetime] = {}
        for unit in known:
            remembered[unit.file] = max(unit.loaded_at, remembered.get(unit.file, unit.loaded_at))
        newest = {(info.file, info.sha256): path for info, path in stored}  # a content that came back counts once
        for info, path in stored:
            if newest[info.file, info.sha256] != path:
                continue
            wanted, table = files.table_of(source, entity.name, info.file, info.sheet)
            is_new = info.file not in remembered or datetime.fromisoformat(info.loaded_at) > remembered[info.file]
            if wanted and is_new and (info.file, info.sha256) not in fresh:
                readings.append(self.reader.from_raw(entity, table, (info, path)))
        return readings, retired

    def _tell_damaged(
        self, entity: Entity, damaged: list[RawDamaged], known: list[Unit], fresh: set[tuple[str, str]]
    ) -> None:
        """Stored copies that do not open: critical where nothing else holds their rows as they are mapped now."""
        loaded = {
            content_name(unit.file, unit.sha256)
            for unit in known
            if unit.mapping_hash
            == self.reader.mapping_hash(entity, files.table_of(self._source, entity.name, unit.file)[1])
        }
        written = {content_name(*content) for content in fresh}
        for damage in damaged:
            if damage.content in loaded:
                self._warn(Finding("raw_damaged", self._source.name, damage.messages[0]))
            elif damage.content not in written:
                self.report.refuse("raw_damaged", "", damage.messages[0])

    # -- what is written beside the rows

    def _write_log(self, reading: Reading, read: FileRead) -> None:
        report = read.report
        mapping = self.reader.mapping_hash(reading.entity, reading.table)
        told = json.dumps([[finding.check, finding.subject, finding.message] for finding in read.warnings])
        self._log.add(
            reading.entity,
            Unit(reading.file, report.sha256, mapping, told, reading.load_id, reading.loaded_at, report.status),
            size=report.bytes,
            encoding=report.encoding,
            form=report.format,
            delimiter=report.delimiter,
            quote=report.quote,
            rows=report.rows,
            exact_duplicates=report.exact_duplicates,
            filtered=report.filtered,
            rejected=[
                Rejected(
                    reject.line,
                    reject.text,
                    reject.column,
                    None if reject.column in PERSONAL_COLUMNS else reject.found,
                    reject.expected,
                    reject.reason,
                    nearest_fix(reading.entity, reading.table, reject).words,
                )
                for reject in read.rejects
            ],
        )

    # -- what is critical

    def _earlier_counts(self) -> dict[str, int]:
        """Rows of each entity before this load; where the working database is new, those that are published."""
        source = self._source
        if not source_rows.is_known(self._connection, source):
            return dict.fromkeys(ENTITIES, 0) | published_counts(self._config.warehouse_path, source.name)
        return {name: merge.present_count(self._connection, entity, source.name) for name, entity in ENTITIES.items()}

    def _check_shrink(self, entity: Entity) -> None:
        before = self._before[entity.name]
        if self._append or self._accept_shrink or not before:
            return
        now = merge.present_count(self._connection, entity, self._source.name)
        if now * 100 < (100 - MAX_PERCENT_SHRINK) * before:
            self.report.refuse(
                "shrink",
                entity.name,
                f"{entity.name} shrank from {before:,} to {now:,} rows ({1 - now / before:.0%}, at most 20 % allowed);"
                " --accept-shrink allows it once",
            )

    # -- the report

    def _finish(self) -> None:
        source, connection, report = self._source, self._connection, self.report
        report.data_through = source_rows.write_data_through(connection, source, self._clock)
        rows = connection.execute(
            """
            SELECT source, entity, file, sha256, bytes, encoding, format, delimiter, quote, rows, loaded, quarantined,
                exact_duplicates, superseded, filtered, status
            FROM quality.load_log WHERE source = ? ORDER BY entity, file, loaded_at
            """,
            [source.name],
        ).fetchall()
        report.files = [FileReport(*row) for row in rows]
        report.met = self.reader.met
        report.entities = tuple(sorted({file.entity for file in report.files}))
        for file in report.files:
            if not file.adds_up and not report.critical:
                self.report.refuse("sum", file.file, f"the rows do not add up: {file}")
