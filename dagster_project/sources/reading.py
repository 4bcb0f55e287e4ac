"""One version of a file, from the folder or from the raw store, read into a load: every row of it accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dagster_project.config import Config, Source, Table
from dagster_project.dbt_project import PACKAGED_SEEDS
from dagster_project.entities import PERSONAL_COLUMNS, Entity
from dagster_project.sources import files
from dagster_project.sources.column_changes import column_changes
from dagster_project.sources.discovery import InputFile
from dagster_project.sources.erased_list import read_suppression
from dagster_project.sources.formats.archives import Spool
from dagster_project.sources.formats.fingerprint import Fingerprint, digest_of, fingerprint
from dagster_project.sources.formats.reader import open_file, open_stored, raw_names, stored_header
from dagster_project.sources.mapping import Plan
from dagster_project.sources.rates import Rates, read_rates
from dagster_project.sources.records import OpenTable, UnreadableFile
from dagster_project.sources.redaction import Suppress, renderer
from dagster_project.sources.rejects import Reject, conflict, shown_found
from dagster_project.sources.report import FileReport, Finding, LoadReport
from dagster_project.warehouse.merge import Stage
from dagster_project.warehouse.raw import RawDamaged, RawInfo, RawStore, RawWriter, read_erased, read_texts

MAX_PERCENT_QUARANTINED, MAX_ROWS_QUARANTINED = 5, 10
MAX_ROWS_LOOKED_AT = 200_000
"""So many quarantined rows, if they are most of a file, end the reading of it."""
LONGEST_REJECT, SHOWN_OF_REJECT = 64 * 1024, 1000

Progress = Callable[[str, int], None]
"""Called with a file (`source/file`) and the rows of it read so far."""


@dataclass(frozen=True)
class Reading:
    """A version of a file that a load has to parse, from the folder (`input`) or from the raw store (`stored`).

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


class FileRead(NamedTuple):
    """What a version of a file came to: its figures, the rows that could not be read, what was warned of."""

    report: FileReport
    rejects: list[Reject]
    warnings: list[Finding]


class Reader:
    """Reads versions of the files of one source. What is wrong goes to `report`.

    Everything read from the folder is kept in raw, under its name from `publish` on; with `keeps` false nothing is.
    `spool` holds what is unpacked: use it as a context around all reading. Raises ConfigError where the seed `fx_rates`
    cannot be read, CriticalProblem where the list of erased people cannot.
    """

    def __init__(
        self,
        config: Config,
        source: Source,
        report: LoadReport,
        load_id: str,
        clock: datetime,
        *,
        keeps: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self.report = report
        self.store = RawStore(config.raw_dir)
        self.spool = Spool(config.work_dir / "spool")
        self._source, self._load_id, self._clock = source, load_id, clock
        self._keeps, self._progress = keeps, progress
        self._writers: list[RawWriter] = []
        self._rates = _read_rates(config)
        self._suppression = read_suppression(config)

    @property
    def infos(self) -> list[RawInfo]:
        """What the versions that will be kept are."""
        return [writer.info for writer in self._writers]

    def publish(self) -> None:
        """Give the raw versions their names. Before the commit: a version too many in raw does no harm."""
        for writer in self._writers:
            writer.publish()

    def discard(self) -> None:
        """Keep nothing of what was read."""
        for writer in self._writers:
            writer.discard()

    @property
    def met(self) -> dict[str, str]:
        """Hashes of record ids that erased people came back under, with the token of their erasure."""
        return self._suppression.met

    def mapping_hash(self, entity: Entity, table: Table | None) -> str:
        """Changes with everything but the file itself that decides what its rows become."""
        return files.mapping_hash(self._source, entity, table, self._rates, self._suppression.digest)

    def examine(self, file: InputFile) -> Reading | None:
        """A file as it is in the folder now; None, and a critical finding, where it cannot be read."""
        try:
            path, found = self.fingerprint_of(file)
        except UnreadableFile as problem:
            self.report.refuse("unreadable_file", file.file, str(problem))
            return None
        except OSError as error:
            self.report.refuse(
                "unreadable_file", file.file, f"cannot be read: {error.strerror or type(error).__name__}"
            )
            return None
        if found.problem:
            self.report.refuse("unreadable_file", file.file, found.problem)
            return None
        return Reading(file.entity, file.file, file.table, found, self._load_id, self._clock, path, file)

    def fingerprint_of(self, file: InputFile) -> tuple[Path, Fingerprint]:
        """A file's plain path and what it is. Raises OSError and UnreadableFile."""
        path = self.spool.plain(file.path, file.member)
        return path, fingerprint(path, file.table.encoding if file.table else None, file.format)

    def drop(self, file: InputFile) -> None:
        """Remove what was unpacked of a file; a workbook may have more sheets to read."""
        if file.sheet is None:
            self.spool.drop(file.path, file.member)

    def from_raw(self, entity: Entity, table: Table | None, version: tuple[RawInfo, Path]) -> Reading:
        """A stored version of a file."""
        info, path = version
        found = Fingerprint(info.sha256, info.bytes, info.encoding)
        at = datetime.fromisoformat(info.loaded_at)
        return Reading(entity, info.file, table, found, info.load_id, at, path, stored=info)

    def read(self, stage: Stage, reading: Reading) -> FileRead | None:
        """Read a version into the stage; None where it cannot be read, which is a critical finding."""
        subject = f"{self._source.name}/{reading.file}"
        try:
            opened = reading.open()
            if opened is None:
                self.report.refuse("unreadable_file", reading.file, "found no header that can be read")
                return None
            plan = self.plan(reading.entity, reading.table, opened)
            warnings = [Finding("header", subject, text) for text in plan.findings.warnings]
            if plan.findings.critical:
                self.report.findings += warnings
                for text in plan.findings.critical:
                    self.report.refuse("required_column", reading.file, text)
                return None
            changes = self._column_changes(reading, opened)
            report, rejects = self._rows(stage, reading, opened, plan)
        except UnreadableFile as problem:
            self.report.refuse("unreadable_file", reading.file, str(problem))
            return None
        except RawDamaged as damage:
            self.report.refuse("raw_damaged", reading.file, damage.messages[0])
            return None
        except (OSError, UnicodeError) as error:
            self.report.refuse("unreadable_file", reading.file, f"cannot be read: {type(error).__name__}")
            return None
        finally:
            if reading.input:
                self.drop(reading.input)
        warnings += [Finding("values", subject, text) for text in plan.warnings]
        self.report.findings += warnings + changes  # that a header has changed is told once
        self._check_quarantine(report, rejects)
        return FileRead(report, rejects, warnings)

    def plan(self, entity: Entity, table: Table | None, opened: OpenTable) -> Plan:
        """How the cells of an open file become an entity's columns."""
        source = self._source
        suppress = Suppress(self._suppression, source.id_space, renderer(opened))
        rules = files.rules_of(source, table, opened.dialect.excel_epoch)
        return Plan(entity, table, opened.header, rules, self._rates, suppress if self._suppression else None)

    def _column_changes(self, reading: Reading, opened: OpenTable) -> list[Finding]:
        """What the header has lost or gained since the version before."""
        if reading.stored:
            return []
        names = (self._source.name, reading.entity.name, reading.file)
        before = self.store.version_before(*names, reading.print.sha256)
        if before is None:
            return []
        text = column_changes(stored_header(before), opened.header, raw_names(reading.entity, reading.table))
        return [Finding("columns_changed", f"{names[0]}/{names[2]}", text)] if text else []

    def _rows(self, stage: Stage, reading: Reading, opened: OpenTable, plan: Plan) -> tuple[FileReport, list[Reject]]:
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
        writer = self._writer(reading, opened) if reading.input and self._keeps else None
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
            self.report.refuse("unreadable_file", reading.file, "it changed while it was read, run again")
        repeats = stage.deduplicate(unit)
        report.exact_duplicates = repeats.exact
        if repeats.conflicts:
            conflicts = self._conflicts(reading, repeats.conflicts)
            rejects += [replace(reject, text=redacted.get(reject.line, reject.text)) for reject in conflicts]
        report.quarantined = len(rejects)
        return report, rejects

    def _has_changed(self, reading: Reading, file: InputFile) -> bool:
        """Whether the file is another than the one whose hash was taken. Raises OSError where it is gone."""
        if reading.path != file.path:
            return self.spool.is_outdated(file.path, file.member)
        return digest_of(file.path) != reading.print.sha256

    def _writer(self, reading: Reading, opened: OpenTable) -> RawWriter | None:
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
        writer = self.store.writer(info)
        if writer is not None:
            self._writers.append(writer)
        return writer

    def _conflicts(self, reading: Reading, conflicts: list[tuple[int, int]]) -> list[Reject]:
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
        self.report.refuse(
            "quarantine_share",
            report.file,
            f"{report.quarantined:,} of {report.rows:,} rows cannot be read"
            f" ({percent:.2f}%, at most 5 % allowed): {told}; {example}",
        )


def _shortened(reject: Reject) -> Reject:
    """The same with a text that fits in a message and in memory; raw holds all of it."""
    if len(reject.text) <= LONGEST_REJECT:
        return reject
    return replace(reject, text=f"{reject.text[:SHOWN_OF_REJECT]}... ({len(reject.text):,} characters, all in raw)")


def _read_rates(config: Config) -> Rates:
    own = config.seeds_path / "fx_rates.csv" if config.seeds_path else None
    return read_rates(own if own and own.is_file() else PACKAGED_SEEDS / "fx_rates.csv", config.brokerage.currency)
