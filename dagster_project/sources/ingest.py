"""Ingest: one source's files into the working database, whole or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.config import Config, Source, Table
from dagster_project.dbt_project import PACKAGED_SEEDS
from dagster_project.entities import ENTITIES, PERSONAL_COLUMNS, Entity
from dagster_project.sources import files
from dagster_project.sources.column_changes import column_changes
from dagster_project.sources.discovery import InputFile, discover
from dagster_project.sources.fixes import nearest_fix
from dagster_project.sources.formats.archives import Spool
from dagster_project.sources.formats.fingerprint import Fingerprint, digest_of, fingerprint
from dagster_project.sources.formats.reader import open_file, open_stored, raw_names, stored_header
from dagster_project.sources.mapping import Plan, Reject, conflict, shown_found
from dagster_project.sources.rates import Rates, read_rates
from dagster_project.sources.records import OpenTable, UnreadableFile
from dagster_project.sources.redaction import Suppress, renderer
from dagster_project.sources.report import FileReport, Finding, LoadRefused, LoadReport
from dagster_project.sources.suppression import read_suppression
from dagster_project.warehouse import merge, source_rows
from dagster_project.warehouse.load_log import LoadLog, Rejected, Unit, published_counts
from dagster_project.warehouse.raw import (
    RawDamaged,
    RawInfo,
    RawStore,
    RawWriter,
    content_name,
    read_erased,
    read_texts,
)
from dagster_project.warehouse.refused import forget_refused, keep_refused

MAX_PERCENT_QUARANTINED, MAX_ROWS_QUARANTINED = 5, 10
MAX_PERCENT_SHRINK = 20
MAX_ROWS_LOOKED_AT = 200_000
"""So many quarantined rows, if they are most of a file, end the reading of it."""
LONGEST_REJECT, SHOWN_OF_REJECT = 64 * 1024, 1000

Progress = Callable[[str, int], None]
"""Called with a file (`source/file`) and the rows of it read so far."""


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
        with load.spool:
            load.run()
        refused = report.critical + (report.findings if strict else [])
        if refused:
            refused += load.keep_refused(refused)
            raise LoadRefused(report, refused)
        load.publish()
    except BaseException:
        load.discard()
        with suppress(duckdb.TransactionException):  # an engine that failed has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    forget_refused(config.refused_dir, [other.name for other in config.sources if other.name != source.name])
    return report


@dataclass(frozen=True)
class _Reading:
    """A version of a file that this load has to parse, from the folder (`input`) or from the raw store (`stored`).

    `path` is the plain file: that of the folder, what was unpacked of it, or raw's.
    """

    entity: Entity
    file: str
    table: Table | None
    print: Fingerprint
    load_id: str
    loaded_at: datetime
    path: Path
    input: InputFile | None = None
    stored: RawInfo | None = None

    def open(self) -> OpenTable | None:
        """The header and records; None where no header can be read."""
        if self.stored is not None:
            return open_stored(self.stored, read_texts(self.path), self.table)
        given = self.input
        named, sheet = (given.format, given.sheet) if given else ("csv", None)
        return open_file(self.path, named, self.print.encoding, self.entity, self.table, sheet)


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
        self._load_id, self._clock = load_id, clock
        self._accept_shrink, self._progress = accept_shrink, progress
        self._log = LoadLog(connection, source.name, load_id, clock)
        self._store = RawStore(config.raw_dir)
        self.spool = Spool(config.work_dir / "spool")
        self._writers: list[RawWriter] = []
        self._rates = self._read_rates()
        self._suppression = read_suppression(config)
        self._append = source.mode == "append"
        self._before: dict[str, int] = {}

    # -- the whole

    def run(self) -> None:
        source = self._source
        known = {name: self._log.units(entity) for name, entity in ENTITIES.items()}
        damaged: dict[str, list[RawDamaged]] = {name: [] for name in ENTITIES}
        stored = {
            name: self._store.versions(source.name, name, damaged[name]) if self._append else [] for name in ENTITIES
        }
        self._before = self._earlier_counts()
        stays = {name for name in ENTITIES if self._append and (known[name] or stored[name])}
        stays |= source_rows.read_accepted(self._connection, source)
        if self._accept_shrink:
            stays |= {name for name in ENTITIES if known[name] or self._before[name]}
        config = self._config
        ours = (config.seeds_path, config.raw_dir, config.history_dir, config.erasure_dir, config.refused_dir)
        found = discover(source, self.spool, may_be_empty=frozenset(stays), ours=ours)
        if self._accept_shrink:
            source_rows.write_accepted(self._connection, source, found.absent)
        self._warn(*(Finding(*finding) for finding in found.warnings))
        self.report.critical += [Finding(*finding) for finding in found.critical]
        unsettled = source_rows.write_source(self._connection, self._config, source)
        for name, entity in ENTITIES.items():
            problems = len(self.report.critical)
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

    def publish(self) -> None:
        """Give the raw versions their names. Before the commit: a version too many in raw does no harm."""
        for writer in self._writers:
            writer.publish()

    def keep_refused(self, refused: list[Finding]) -> list[Finding]:
        """Keep the rows that could not be read for whoever mends them; returns what went wrong with that."""
        told = [(finding.check, finding.subject, finding.message) for finding in refused]
        infos = [writer.info for writer in self._writers]
        source, at = self._source.name, self._clock.isoformat()
        try:
            keep_refused(self._connection, self._config.refused_dir, source, refused_at=at, told=told, infos=infos)
        except (OSError, duckdb.Error) as error:  # the refusal must be told all the same
            why = getattr(error, "strerror", None) or type(error).__name__
            text = f"the rows that cannot be read could not be kept: {why}"
            return [Finding("refused_rows", source, text)]
        return []

    def discard(self) -> None:
        for writer in self._writers:
            writer.discard()

    def _warn(self, *findings: Finding) -> None:
        self.report.findings += findings

    def _critical(self, check: str, file: str, message: str) -> None:
        self.report.critical.append(
            Finding(check, f"{self._source.name}/{file}" if file else self._source.name, message)
        )

    def _read_rates(self) -> Rates:
        own = self._config.seeds_path / "fx_rates.csv" if self._config.seeds_path else None
        return read_rates(
            own if own and own.is_file() else PACKAGED_SEEDS / "fx_rates.csv", self._config.brokerage.currency
        )

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
        self._log.forget_notes(entity)
        readings: list[_Reading] = []
        retired: list[merge.Retired] = []
        problems = len(self.report.critical)
        current: set[str] = set()
        for file in inputs:
            current.add(file.file)
            units = [unit for unit in known if unit.file == file.file]
            reading = self._check(file, units)
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
            self._read(stage, reading)
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

    def _mapping_hash(self, entity: Entity, table: Table | None) -> str:
        return files.mapping_hash(self._source, entity, table, self._rates, self._suppression.digest)

    def _check(self, file: InputFile, units: list[Unit]) -> _Reading | None:
        """Whether a file has to be read; None where it is as it was, or cannot be."""
        entity = file.entity
        try:
            path, found = self._fingerprint(file)
        except UnreadableFile as problem:
            self._critical("unreadable_file", file.file, str(problem))
            return None
        except OSError as error:
            self._critical("unreadable_file", file.file, f"cannot be read: {error.strerror or type(error).__name__}")
            return None
        if found.problem:
            self._critical("unreadable_file", file.file, found.problem)
            return None
        mapping = self._mapping_hash(entity, file.table)
        for unit in units:
            if unit.status != "gone" and unit.sha256 == found.sha256 and unit.mapping_hash == mapping:
                self._log.set_status(entity, unit, "unchanged")
                self._warn(*(Finding(*finding) for finding in unit.warnings))
                self._drop(file)
                return None
        return _Reading(entity, file.file, file.table, found, self._load_id, self._clock, path, file)

    def _fingerprint(self, file: InputFile) -> tuple[Path, Fingerprint]:
        """A file's plain path and what it is. Raises OSError and UnreadableFile."""
        path = self.spool.plain(file.path, file.member)
        return path, fingerprint(path, file.table.encoding if file.table else None, file.format)

    def _drop(self, file: InputFile) -> None:
        """Remove what was unpacked of a file; a workbook may have more sheets to read."""
        if file.sheet is None:
            self.spool.drop(file.path, file.member)

    def _earlier(
        self,
        entity: Entity,
        current: set[str],
        known: list[Unit],
        stored: list[tuple[RawInfo, Path]],
        fresh: set[tuple[str, str]],
    ) -> tuple[list[_Reading], list[merge.Retired]]:
        """Versions that the folder no longer holds: in append mode they stay (read again from raw if they must be)."""
        source = self._source
        readings: list[_Reading] = []
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
            if unit.mapping_hash == self._mapping_hash(entity, table) or (unit.file, unit.sha256) in fresh:
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
            readings.append(self._from_raw(entity, table, again))
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
                readings.append(self._from_raw(entity, table, (info, path)))
        return readings, retired

    def _tell_damaged(
        self, entity: Entity, damaged: list[RawDamaged], known: list[Unit], fresh: set[tuple[str, str]]
    ) -> None:
        """Stored copies that do not open: critical where nothing else holds their rows as they are mapped now."""
        loaded = {
            content_name(unit.file, unit.sha256)
            for unit in known
            if unit.mapping_hash == self._mapping_hash(entity, files.table_of(self._source, entity.name, unit.file)[1])
        }
        written = {content_name(*content) for content in fresh}
        for damage in damaged:
            if damage.content in loaded:
                self._warn(Finding("raw_damaged", self._source.name, damage.messages[0]))
            elif damage.content not in written:
                self._critical("raw_damaged", "", damage.messages[0])

    def _from_raw(self, entity: Entity, table: Table | None, version: tuple[RawInfo, Path]) -> _Reading:
        info, path = version
        found = Fingerprint(info.sha256, info.bytes, info.encoding)
        at = datetime.fromisoformat(info.loaded_at)
        return _Reading(entity, info.file, table, found, info.load_id, at, path, stored=info)

    # -- one version of a file

    def _read(self, stage: merge.Stage, reading: _Reading) -> None:
        entity, source = reading.entity, self._source
        subject = f"{source.name}/{reading.file}"
        try:
            opened = reading.open()
            if opened is None:
                self._critical("unreadable_file", reading.file, "found no header that can be read")
                return
            plan = self._plan(entity, reading.table, opened)
            warnings = [Finding("header", subject, text) for text in plan.findings.warnings]
            if plan.findings.critical:
                self._warn(*warnings)
                for text in plan.findings.critical:
                    self._critical("required_column", reading.file, text)
                return
            warnings += self._column_changes(reading, opened)
            report, rejects = self._rows(stage, reading, opened, plan)
        except UnreadableFile as problem:
            self._critical("unreadable_file", reading.file, str(problem))
            return
        except RawDamaged as damage:
            self._critical("raw_damaged", reading.file, damage.messages[0])
            return
        except (OSError, UnicodeError) as error:
            self._critical("unreadable_file", reading.file, f"cannot be read: {type(error).__name__}")
            return
        finally:
            if reading.input:
                self._drop(reading.input)
        warnings += [Finding("values", subject, text) for text in plan.warnings]
        self._warn(*warnings)
        self._check_quarantine(report, rejects)
        self._write_log(reading, report, rejects, warnings)

    def _plan(self, entity: Entity, table: Table | None, opened: OpenTable) -> Plan:
        source = self._source
        suppress = Suppress(self._suppression, source.id_space, renderer(opened))
        rules = files.rules_of(source, table, opened.dialect.excel_epoch)
        return Plan(entity, table, opened.header, rules, self._rates, suppress if self._suppression else None)

    def _column_changes(self, reading: _Reading, opened: OpenTable) -> list[Finding]:
        """What the header has lost or gained since the version before."""
        if reading.stored:
            return []
        names = (self._source.name, reading.entity.name, reading.file)
        before = self._store.version_before(*names, reading.print.sha256)
        if before is None:
            return []
        text = column_changes(stored_header(before), opened.header, raw_names(reading.entity, reading.table))
        return [Finding("columns_changed", f"{names[0]}/{names[2]}", text)] if text else []

    def _rows(
        self, stage: merge.Stage, reading: _Reading, opened: OpenTable, plan: Plan
    ) -> tuple[FileReport, list[Reject]]:
        entity, version, unit = reading.entity, reading.print.sha256[:16], stage.next_unit()
        subject = f"{self._source.name}/{reading.file}"
        report = FileReport(
            self._source.name,
            entity.name,
            reading.file,
            reading.print.sha256,
            reading.print.bytes,
            reading.print.encoding,
            opened.dialect.format,
            opened.dialect.delimiter,
            opened.dialect.quote,
            status="gone" if reading.stored else "loaded",
        )
        rejects: list[Reject] = []
        writer = None if reading.stored else self._writer(reading, opened)
        erased = read_erased(reading.path) if reading.stored else {}
        redacted: dict[int, str] = {}
        for batch in files.batches(opened.records):
            converted = plan.convert(batch, erased)
            if self._suppression:
                pairs = zip(batch, converted.records, strict=True)
                redacted |= {given.line: kept.text for given, kept in pairs if given is not kept}
            report.rows += len(batch)
            report.filtered += converted.filtered
            rejects += [_shortened(reject) for reject in converted.rejects]
            if len(rejects) > MAX_ROWS_LOOKED_AT and len(rejects) * 2 > report.rows:
                raise UnreadableFile(
                    f"{len(rejects):,} of the first {report.rows:,} rows cannot be read: the first is on line"
                    f" {rejects[0].line:,}, reason {rejects[0].reason}"
                )
            if converted.rows.num_rows:
                stage.add(
                    converted.rows,
                    file=reading.file,
                    version=version,
                    unit=unit,
                    load_id=reading.load_id,
                    layout=plan.layout,
                )
            if writer is not None:
                kept = converted.records
                persons = {**converted.persons, "erased": converted.erased}
                writer.write([r.line for r in kept], [r.text for r in kept], persons)
            if self._progress:
                self._progress(subject, report.rows)
        if writer is not None:
            writer.close()
        if reading.input and self._has_changed(reading, reading.input):
            self._critical("unreadable_file", reading.file, "it changed while it was read, run again")
        repeats = stage.deduplicate(unit)
        report.exact_duplicates = repeats.exact
        if repeats.conflicts:
            conflicts = self._conflicts(reading, repeats.conflicts)
            rejects += [replace(reject, text=redacted.get(reject.line, reject.text)) for reject in conflicts]
        report.quarantined = len(rejects)
        return report, rejects

    def _has_changed(self, reading: _Reading, file: InputFile) -> bool:
        """Whether the file is another than the one whose hash was taken. Raises OSError where it is gone."""
        if reading.path != file.path:
            return self.spool.is_outdated(file.path, file.member)
        return digest_of(file.path) != reading.print.sha256

    def _writer(self, reading: _Reading, opened: OpenTable) -> RawWriter | None:
        dialect = opened.dialect
        info = RawInfo(
            self._source.name,
            reading.entity.name,
            reading.file,
            reading.print.sha256,
            self._load_id,
            self._clock.isoformat(),
            reading.print.encoding,
            reading.print.bytes,
            opened.header_text,
            dialect.delimiter,
            dialect.format,
            dialect.quote,
            dialect.escape,
            reading.input.sheet if reading.input else None,
            dialect.excel_epoch,
        )
        writer = self._store.writer(info)
        if writer is not None:
            self._writers.append(writer)
        return writer

    def _conflicts(self, reading: _Reading, conflicts: list[tuple[int, int]]) -> list[Reject]:
        """Rows whose id stands earlier in the file with other cells: the file is read once more for their texts."""
        entity = reading.entity
        first_lines = dict(conflicts)
        again = reading.open()
        key = [entity.by_name[name] for name in entity.key]
        return [
            _shortened(conflict(record.line, record.text, key, first_lines[record.line]))
            for record in (again.records if again else ())
            if record.line in first_lines
        ]

    # -- what is written beside the rows

    def _write_log(self, reading: _Reading, report: FileReport, rejects: list[Reject], warnings: list[Finding]) -> None:
        mapping = self._mapping_hash(reading.entity, reading.table)
        told = json.dumps([[finding.check, finding.subject, finding.message] for finding in warnings])
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
                for reject in rejects
            ],
        )

    # -- what is critical

    def _check_quarantine(self, report: FileReport, rejects: list[Reject]) -> None:
        if (
            report.quarantined <= MAX_ROWS_QUARANTINED
            or report.quarantined * 100 <= MAX_PERCENT_QUARANTINED * report.rows
        ):
            return
        counts = Counter((reject.reason, reject.column) for reject in rejects).most_common(3)
        told = ", ".join(
            f"{number:,} {reason}" + (f" in {column}" if column else "") for (reason, column), number in counts
        )
        first = min(rejects, key=lambda reject: reject.line)
        example = f"first on line {first.line}"
        if first.column:
            example += f", column {first.column}"
        if first.found and first.column not in PERSONAL_COLUMNS:
            example += f', found "{shown_found(first)}"'
        if first.expected:
            example += f", expected {first.expected}"
        percent = max(round(report.quarantined * 100 / report.rows, 2), MAX_PERCENT_QUARANTINED + 0.01)
        self._critical(
            "quarantine_share",
            report.file,
            f"{report.quarantined:,} of {report.rows:,} rows cannot be read"
            f" ({percent:.2f}%, at most 5 % allowed): {told}; {example}",
        )

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
            self._critical(
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
        report.met = self._suppression.met
        report.entities = tuple(sorted({file.entity for file in report.files}))
        for file in report.files:
            if not file.adds_up and not report.critical:
                self._critical("sum", file.file, f"the rows do not add up: {file}")


def _shortened(reject: Reject) -> Reject:
    """The same with a text that fits in a message and in memory; raw holds all of it."""
    if len(reject.text) <= LONGEST_REJECT:
        return reject
    return replace(reject, text=f"{reject.text[:SHOWN_OF_REJECT]}... ({len(reject.text):,} characters, all in raw)")
