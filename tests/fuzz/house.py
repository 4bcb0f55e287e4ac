"""Loads a batch of mutated files the real way and says what does not hold."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb

from dagster_project.config import Config, load_config
from dagster_project.entities import ENTITIES
from dagster_project.errors import LeadhouseError
from dagster_project.sources.erased_list import ensure_key, read_suppression, write_erasures
from dagster_project.sources.ingest import ingest_source
from dagster_project.sources.report import FileReport, LoadRefused, LoadReport
from dagster_project.sources.suppression import Erasure
from dagster_project.warehouse.working import prepare_working
from tests.fuzz import mutate
from tests.fuzz.counting import rows_in
from tests.fuzz.seeds import CANONICAL_TABLES, MAPPED, PEOPLE, TOML, canonical, mapped
from tests.ingest_kit import CLOCK, HEAD

SEED = "leadhouse"
BATCH = 32
"""Files of one load, of few entities: that costs a fraction of a load for each."""
MOST_SECONDS, MOST_MEBIBYTES = 10.0, 700
"""Bounds of one case: a file of some kilobytes takes milliseconds, and nothing of it fills the memory."""
MOST_LEFT = 250
"""MiB that some hundred loads may leave in memory."""
LONGEST_MESSAGE = 500


class TooSlow(BaseException):
    """A case that does not end; no `except Exception` may take it."""


@dataclass(frozen=True)
class Case:
    """One mutated file, made from its number alone."""

    number: int
    name: str
    content: bytes

    @property
    def is_mapped(self) -> bool:
        return is_mapped(self.number)


def is_mapped(number: int) -> bool:
    """Whether a case's batch goes through the mapped source."""
    return number // BATCH % 3 == 2


def make(number: int) -> Case:
    """Case `number`; its batch (`number // BATCH`) decides the source, the mode and whether anybody is erased."""
    chance = random.Random(f"{SEED}:{number}")
    if is_mapped(number):
        stem = chance.choice([*MAPPED, *CANONICAL_TABLES])
        name, content = mutate.file(chance, lambda some: mapped(some, stem), f"{stem}-{number}")
    else:
        of_batch = random.Random(f"{SEED}:batch:{number // BATCH}").sample(list(ENTITIES.values()), 3)
        entity = chance.choice(of_batch)
        name, content = mutate.file(chance, lambda some: canonical(some, entity), f"{entity.name}-{number}")
    return Case(number, name, content)


@dataclass
class Figures:
    """What was seen of all cases: how many files were loaded or refused, rows, the slowest, the peak of memory."""

    cases: int = 0
    loaded: int = 0
    refused: int = 0
    rows: int = 0
    quarantined: int = 0
    counted: int = 0
    slowest: tuple[float, str] = (0.0, "")
    peak_mebibytes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.cases:,} cases: {self.loaded:,} files loaded, {self.refused:,} refused; {self.rows:,} rows,"
            f" {self.quarantined:,} quarantined; {self.counted:,} files counted another way; slowest load"
            f" {self.slowest[0]:.2f} s ({self.slowest[1]}); peak of a load {self.peak_mebibytes:,} MiB"
        )


FIGURES = Figures()


def run(numbers: range, folder: Path) -> None:
    """Run cases batch by batch; the first that fails is told with how to run it alone, its file kept below `folder`."""
    before = None
    for start in range(numbers.start, numbers.stop, BATCH):
        cases = [make(number) for number in range(start, min(start + BATCH, numbers.stop))]
        try:
            _Batch(folder / "batch", cases).check()
        except (Exception, TooSlow) as error:
            _tell(folder, cases, error)
        FIGURES.cases += len(cases)
        before = before or memory("VmRSS")
    assert memory("VmRSS") - (before or 0) <= MOST_LEFT, "loads leave something behind in memory"


def _tell(folder: Path, cases: list[Case], error: BaseException) -> None:
    """Raise the failure of the one case that has it alone, else that of the whole batch."""
    for case in cases:
        if len(cases) == 1:
            break
        try:
            _Batch(folder / "batch", [case]).check()
        except (Exception, TooSlow) as own:
            cases, error = [case], own
            break
    for case in cases:
        (folder / case.name).write_bytes(case.content)
    numbers = f"{cases[0].number}" if len(cases) == 1 else f"{cases[0].number}-{cases[-1].number}"
    why = f"LEADHOUSE_FUZZ_CASE={numbers} pytest tests/fuzz -k files; input: {folder}/{cases[0].name}; {error!r}"
    raise AssertionError(why) from error


class _Batch:
    def __init__(self, folder: Path, cases: list[Case]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        number = cases[0].number // BATCH
        self._is_snapshot, self._has_erased = number % 4 == 3, number % 5 < 2
        self._by_name = {case.name: case for case in cases}
        self._source = int(cases[0].is_mapped)
        self._folder = folder / ("mapped" if self._source else "crm")
        for name in ("crm", "mapped"):
            (folder / name).mkdir(parents=True)
        self._config = self._configured(folder)
        for case in cases:
            (self._folder / case.name).write_bytes(case.content)

    def _configured(self, folder: Path) -> Config:
        path = folder / "leadhouse.toml"
        path.write_text(HEAD + TOML.format(mode="snapshot" if self._is_snapshot else "append"), encoding="utf-8")
        config = load_config(path, {})
        if self._has_erased:
            config.erasure_dir.mkdir(parents=True)
            ensure_key(config)
            by_key = read_suppression(config)
            name, email, phone = PEOPLE[0]
            erased = Erasure(
                "e1",
                CLOCK.isoformat(),
                "asked",
                ids=(by_key.id_hash("crm", "3"), by_key.id_hash("phones", "3")),
                emails=by_key.identifier_hashes("email", email),
                phones=by_key.identifier_hashes("phone", phone),
                tails=(by_key.tail(phone),),
                names=tuple(by_key.name_hash(word) for word in (name, *name.split())),
            )
            write_erasures(config, [erased])
        return config

    def check(self) -> None:
        with database() as connection:
            report = self._load_what_can_be(connection)
            if report is None:
                return
            self._check_report(connection, report)
            before = _state(connection)
        if self._is_snapshot:
            return
        for path in self._folder.iterdir():
            path.unlink()
        with database() as connection:
            again = self._load(connection)
            assert isinstance(again, LoadReport), again
            assert {file.status for file in again.files} <= {"gone"}
            assert _state(connection) == before, "raw gives other rows than the files gave"

    # -- loads

    def _load(self, connection: duckdb.DuckDBPyConnection) -> LoadReport | LeadhouseError:
        """A load as a build does it, within the bounds of time and memory; or the refusal."""
        source = self._config.sources[self._source]
        with bounded(next(iter(self._by_name), "")):
            try:
                return ingest_source(connection, self._config, source, load_id="L1", clock=CLOCK, accept_shrink=True)
            except LeadhouseError as refused:
                for message in refused.messages:
                    check_line(message)
                return refused

    def _load_what_can_be(self, connection: duckdb.DuckDBPyConnection) -> LoadReport | None:
        """Load; take away the files that are refused and load the others. None where nothing is left."""
        while self._by_name:
            found = self._load(connection)
            if isinstance(found, LoadReport):
                return found
            assert isinstance(found, LoadRefused), found
            subjects = [finding.subject.partition("/")[2] for finding in found.report.critical]
            refused = {name for name in self._by_name if any(_is_in(subject, name) for subject in subjects)}
            if not refused:
                is_empty = {finding.check for finding in found.report.critical} == {"no_file"}
                assert is_empty, f"refused without a file: {found}"
                return None
            for name in refused:
                (self._folder / name).unlink()
                del self._by_name[name]
            FIGURES.refused += len(refused)
        return None

    # -- what must hold

    def _check_report(self, connection: duckdb.DuckDBPyConnection, report: LoadReport) -> None:
        for line in (*report.lines(), *report.warnings):
            check_line(line)
        FIGURES.loaded += len(report.files)
        for file in report.files:
            assert file.adds_up, file
            FIGURES.rows += file.rows
            FIGURES.quarantined += file.quarantined
            FIGURES.kinds[file.format] = FIGURES.kinds.get(file.format, 0) + 1
            self._check_count(file)
        told = connection.execute("SELECT count(*) FROM quality.quarantine").fetchone()
        assert told == (sum(file.quarantined for file in report.files),)
        fixes = connection.execute("SELECT DISTINCT fix FROM quality.quarantine").fetchall()
        assert all(fix.isprintable() and len(fix) <= LONGEST_MESSAGE for (fix,) in fixes), fixes
        for name in {file.entity for file in report.files}:
            present = connection.execute(f"SELECT count(*) FROM raw.{name} WHERE _deleted_by_load IS NULL").fetchone()
            assert present == (sum(file.loaded for file in report.files if file.entity == name),), name

    def _check_count(self, file: FileReport) -> None:
        case = next(case for name, case in self._by_name.items() if _is_in(file.file, name))
        skip = 1 if self._source and file.entity == "inquiries" else 0
        wanted = rows_in(case.name, case.content, file, skip=skip)
        if wanted is not None:
            FIGURES.counted += 1
            assert file.rows == wanted, f"{file}; counted another way: {wanted}"


def _is_in(subject: str, name: str) -> bool:
    return subject == name or subject.startswith((f"{name}/", f"{name}#"))


def check_line(line: str) -> None:
    """One line, not too long, without a trace of the code and without anybody's email or phone."""
    assert line.isprintable(), repr(line)
    assert len(line) <= LONGEST_MESSAGE, line
    assert "Traceback" not in line, line
    for _, email, phone in PEOPLE:
        assert email not in line.casefold(), line
        assert phone not in line, line


def _state(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Everything that a load leaves, but when it was and whether the file is still there."""
    state: dict[str, Any] = {
        name: connection.execute(f"SELECT * FROM raw.{name} ORDER BY _file, _version, _line").fetchall()
        for name in ENTITIES
    }
    state["log"] = connection.execute("SELECT * EXCLUDE (status) FROM quality.load_log ORDER BY ALL").fetchall()
    state["quarantine"] = connection.execute("SELECT * FROM quality.quarantine ORDER BY ALL").fetchall()
    return state


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        prepare_working(connection)
        yield connection
    finally:
        connection.close()


@contextmanager
def bounded(what: str) -> Iterator[None]:
    """Bounds of one load: it is interrupted when it takes too long; its peak of memory is looked at when it ends."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"more than {MOST_SECONDS} s")

    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = memory("VmRSS")
    earlier = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    started = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    FIGURES.slowest = max(FIGURES.slowest, (time.monotonic() - started, what))
    peak = memory("VmHWM") - before
    FIGURES.peak_mebibytes = max(FIGURES.peak_mebibytes, peak)
    assert peak <= MOST_MEBIBYTES, f"{peak:,} MiB"


def memory(name: str) -> int:
    """MiB of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in status if line.startswith(name)).split()[1]) // 1024


def wanted(of_ci: int) -> range:
    """Numbers of the cases to run: LEADHOUSE_FUZZ_CASE (one, or `first-last`), LEADHOUSE_FUZZ_CASES (so many)."""
    one, many = os.environ.get("LEADHOUSE_FUZZ_CASE"), os.environ.get("LEADHOUSE_FUZZ_CASES")
    if one:
        first, _, last = one.partition("-")
        return range(int(first), int(last or first) + 1)
    return range(int(many) if many else of_ci)
