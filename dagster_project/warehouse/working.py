"""The working database: private to a build, guarded by a lock of the operating system, rebuilt when deleted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import duckdb

from dagster_project.config import Config
from dagster_project.disk import disk_trouble
from dagster_project.entities import ENTITIES
from dagster_project.errors import BrokerageBusy, ConfigError, CriticalProblem
from dagster_project.warehouse.reading import read_everything

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS raw.identifiers (
        kind VARCHAR, raw_text VARCHAR, normalised VARCHAR, is_valid BOOLEAN, is_junk BOOLEAN
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS raw.sources (
        source VARCHAR, position INTEGER, kind VARCHAR, id_space VARCHAR, timezone VARCHAR, lead_grain VARCHAR,
        mode VARCHAR, calls_open_leads BOOLEAN, covers_from TIMESTAMPTZ, data_through TIMESTAMPTZ, is_stale BOOLEAN
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS quality.load_log (
        load_id VARCHAR, loaded_at TIMESTAMPTZ, source VARCHAR, entity VARCHAR, file VARCHAR, sha256 VARCHAR,
        bytes BIGINT, encoding VARCHAR, format VARCHAR, delimiter VARCHAR, quote VARCHAR, rows BIGINT, loaded BIGINT,
        quarantined BIGINT, exact_duplicates BIGINT, superseded BIGINT, filtered BIGINT, status VARCHAR
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS quality.quarantine (
        quarantine_id VARCHAR, load_id VARCHAR, loaded_at TIMESTAMPTZ, source VARCHAR, entity VARCHAR, file VARCHAR,
        sha256 VARCHAR, line BIGINT, raw_text VARCHAR, column_name VARCHAR, found VARCHAR, expected VARCHAR,
        reason VARCHAR, fix VARCHAR
    )
    """,
    # What ingest remembers for itself: which content was read with which mapping, and what it warned of then.
    """
    CREATE TABLE IF NOT EXISTS ingest.files (
        source VARCHAR, entity VARCHAR, file VARCHAR, sha256 VARCHAR, mapping_hash VARCHAR, warnings VARCHAR
    )
    """,
    # Rows without id, by which repeated ones are told: a digest of all cells, and one of the header they stand under.
    """
    CREATE TABLE IF NOT EXISTS ingest.lines (
        source VARCHAR, entity VARCHAR, file VARCHAR, version VARCHAR, line BIGINT, cells BIGINT, layout BIGINT
    )
    """,
)


def prepare_working(connection: duckdb.DuckDBPyConnection) -> bool:
    """Make the schemas and tables that ingest fills, where they are absent; all entities, possibly empty.

    Returns whether another version of this program had written them: they are made anew then, and empty.
    """
    connection.execute("SET TimeZone = 'UTC'")
    for schema in ("raw", "quality", "ingest"):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    statements = [*(entity.ddl() for entity in ENTITIES.values()), *_TABLES]
    digest = hashlib.sha256("".join(statements).encode()).hexdigest()
    connection.execute("CREATE TABLE IF NOT EXISTS ingest.settings (name VARCHAR, value VARCHAR)")
    shape = connection.execute("SELECT value FROM ingest.settings WHERE name = 'shape'").fetchone()
    if shape is not None and shape[0] == digest:
        return False
    # Tables of another version of this program are made anew and filled again from the files and the raw store.
    connection.execute("DELETE FROM ingest.settings")
    for statement in statements:
        connection.execute(statement.replace("CREATE TABLE IF NOT EXISTS", "CREATE OR REPLACE TABLE"))
    connection.execute("INSERT INTO ingest.settings VALUES ('shape', ?)", [digest])
    return shape is not None


@contextmanager
def open_working(config: Config, say: Callable[[str], None] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open (and prepare) the working database. Hold a `BuildLock` around it: DuckDB has one writer.

    `say` is told where another version had written it.
    """
    config.work_dir.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(config.working_path))
    try:
        if prepare_working(connection) and say is not None:
            say("the working database was written by another version: everything is read again")
        yield connection
    finally:
        connection.close()


def discard_damaged(config: Config, *, inside: bool, say: Callable[[str], None] | None = None) -> str | None:
    """Put a damaged working database aside; the words of the damage, or None where there is none.

    `inside`: read every table, not only what opening reads. Everything in it is made again from the files and the raw
    store, so one copy is kept, as `working.damaged`. Raises CriticalProblem where another program has it open or the
    disk is at fault.
    """
    log = config.working_path.with_name(config.working_path.name + ".wal")
    if not config.working_path.exists():
        log.unlink(missing_ok=True)
        return None
    try:
        with open_working(config, say) as connection:
            if inside:
                read_everything(connection, "working")
            return None
    except duckdb.Error as error:
        told = " ".join(str(error).split())
        trouble = disk_trouble(error, config.work_dir)
        if "Could not set lock" in told:
            trouble = f"{config.working_path.name} is open in another program; close that, then build again"
        if trouble or isinstance(error, duckdb.OutOfMemoryException):
            raise CriticalProblem(trouble or told) from None
    config.working_path.replace(config.working_path.with_suffix(".damaged"))
    log.unlink(missing_ok=True)
    return told


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class BuildLock:
    """One build at a time for one brokerage, whoever starts it: `with BuildLock(config): ...`.

    Waits up to `wait_seconds` for the holder, after saying so in one line, then raises BrokerageBusy; so it does for
    the dbt of a killed build. The lock is the operating system's: it goes with its process, however that ends.
    """

    def __init__(self, config: Config, *, wait_seconds: float = 600.0, say: Callable[[str], None] = _say) -> None:
        self._path, self._dbt_path = config.lock_path, config.dbt_lock_path
        self._wait_seconds = wait_seconds
        self._say = say
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._wait_seconds
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._acquire(self._path, deadline, "another build")
            try:
                self._acquire(self._dbt_path, deadline, "the dbt of a killed build").close()
            except BaseException:
                file.close()
                raise
        except OSError as error:
            place = error.filename or self._path
            raise ConfigError(
                f"{place}: found a lock that cannot be used ({error.strerror}), expected a file that this user may"
                " write; delete it, the build makes it anew"
            ) from None
        file.seek(0)
        file.truncate()
        with suppress(OSError):  # on a full disk the lock holds all the same
            file.write(f"pid {os.getpid()} since {datetime.now(UTC).isoformat(timespec='seconds')}\n")
            file.flush()
        self._file = file
        return self

    def _acquire(self, path: Path, deadline: float, holder: str) -> IO[str]:
        told = False
        while True:
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - who gets the lock keeps it open
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(path, file):
                    return file
                file.close()
                continue
            except BlockingIOError:
                file.seek(0)
                who = file.read().strip() or "an unknown process"
                file.close()
            except BaseException:
                file.close()
                raise
            if time.monotonic() >= deadline:
                raise BrokerageBusy(f"{holder} holds {path.name} ({who}); gave up after {self._wait_seconds:g} s")
            if not told:
                self._say(f"waiting up to {self._wait_seconds:g} s for {holder} ({who})")
                told = True
            time.sleep(min(0.2, max(0.01, deadline - time.monotonic())))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.truncate(0)
            with suppress(OSError):
                self._file.close()  # closing releases the lock
            self._file = None


def _is_still(path: Path, file: IO[str]) -> bool:
    """Whether the path still names the open file: a lock on a deleted one keeps nobody out."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
