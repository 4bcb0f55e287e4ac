"""What a build finds when it begins: left-overs, damage, locks, clocks. Fast: no build is run."""

from __future__ import annotations

import fcntl
import random
import struct
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import CriticalProblem
from dagster_project.preparation import begin_session, held_brokerage
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions
from dagster_project.warehouse.published import examine, publish
from dagster_project.warehouse.raw import RawStore
from dagster_project.warehouse.working import BuildLock, discard_damaged, open_working
from tests.faults.kit import is_alive, wait_until
from tests.faults.test_moments import build_row, working_with
from tests.ingest_kit import CLOCK, SOURCE, Kit

pytestmark = pytest.mark.faults

HEX = "0123456789abcdef" * 2


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path, SOURCE + 'mode = "append"\n')


def test_what_killed_builds_left_is_swept_and_nothing_else(kit: Kit, tmp_path: Path) -> None:
    kit.write("crm/people.csv", "person_id,name", "1,Ann")
    kit.load()
    warehouse, out = tmp_path / "warehouse", tmp_path / "out"
    (stored,) = kit.config.raw_dir.rglob("*.parquet")
    ours = [
        warehouse / f".leadhouse.duckdb.{HEX}.tmp",
        warehouse / f".leadhouse.duckdb.{HEX}.tmp.wal",
        warehouse / f".leadhouse.duckdb.{HEX}.tmp.tmp" / "duckdb_temp_storage-0.tmp",
        warehouse / ".last_build.json.0123456789ab.tmp",
        warehouse / "history" / "metric_weekly" / ".20261124T080000Z-0123456789ab.tmp",
        stored.with_name(f".{stored.name}.4711.tmp"),
        out / f".then.duckdb.{HEX}.tmp",
        warehouse / ".work" / "dagster" / "storage" / "x",
        warehouse / ".work" / "working.duckdb.tmp" / "duckdb_temp_storage-0.tmp",
    ]
    theirs = [
        out / f".leadhouse.duckdb.{HEX}.tmp",  # another brokerage's, perhaps being written
        out / ".then.duckdb.backup.tmp",
        warehouse / ".leadhouse.duckdb.tmp",
        warehouse / "notes.tmp",
        warehouse / "raw" / "crm" / "people" / "mine.parquet.tmp",
        warehouse / "history" / "metric_weekly" / ".mine.tmp",
    ]
    for path in (*ours, *theirs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with held_brokerage(kit.config, BuildOptions(out=out / "then.duckdb"), Progress()):
        assert [path for path in ours if path.exists()] == []
    assert all(path.exists() for path in (*theirs, stored))


def test_a_damaged_working_database_is_filled_again_from_raw(kit: Kit) -> None:
    """Sixty ways of damage. The files of an append source are long gone: its rows come back from the raw store."""
    kit.write("crm/people.csv", "person_id,name", *(f"{n},Ann {n}" for n in range(500)))
    kit.load()
    kit.remove("crm/people.csv")
    kit.load()
    rows = "SELECT person_id, name FROM raw.people WHERE _deleted_by_load IS NULL ORDER BY 1"
    before, working = kit.rows(rows), kit.config.working_path
    whole, log = working.read_bytes(), working.with_name(working.name + ".wal")
    rng, discarded = random.Random(1), 0
    for number in range(60):
        spoilt = bytearray(whole)
        place = rng.randrange(len(whole))
        if number % 4 == 0:
            spoilt[place : place + 8192] = rng.randbytes(len(spoilt[place : place + 8192]))
        elif number % 4 == 1:
            spoilt = spoilt[:place]
        elif number % 4 == 2:
            spoilt[rng.randrange(12288)] ^= 0xFF
        else:
            log.write_bytes(rng.randbytes(rng.randrange(1, 5000)))
        working.write_bytes(spoilt)
        told = discard_damaged(kit.config, inside=True)
        discarded += told is not None
        assert working.exists() == (told is None)
        assert not (told and log.exists())
        with open_working(kit.config):
            assert discard_damaged(kit.config, inside=True) is None if told else True
    assert discarded > 30
    kit.load()
    assert kit.rows(rows) == before
    assert [path.name for path in working.parent.glob("*.damaged")] == ["working.damaged"]


def test_a_working_database_open_elsewhere_is_not_damaged(kit: Kit) -> None:
    with open_working(kit.config):
        pass
    hold = "import sys, duckdb, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", hold, str(kit.config.working_path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(CriticalProblem, match="open in another program"):
            discard_damaged(kit.config, inside=False)
    finally:
        other.kill()
        other.wait(10)
    assert kit.config.working_path.exists()


def test_a_build_waits_for_the_dbt_of_a_killed_one(kit: Kit) -> None:
    """A real child of a real parent: the parent is killed, the child ends with it, and only then is the lock free."""
    config = kit.config
    config.work_dir.mkdir(parents=True)
    start = (
        "import os, subprocess, sys\n"
        "env = os.environ | {'LEADHOUSE_DBT_LOCK': sys.argv[1], 'LEADHOUSE_DBT_PARENT': str(os.getpid())}\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import sys, time, types\\n"
        'cli = types.ModuleType("dbt.cli.main"); cli.cli = lambda prog_name: (print(1, flush=True), time.sleep(60))\\n'
        'sys.modules["dbt.cli.main"] = cli\\n'
        "from dagster_project.dbt_child import main; main()'], env=env)\n"
        "print(child.pid, flush=True); child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", start, str(config.dbt_lock_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    told = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
    (child,) = (int(line) for line in told - {"1"})
    said: list[str] = []
    got = threading.Event()

    def acquire() -> None:
        with BuildLock(config, wait_seconds=30, say=said.append):
            got.set()

    waiter = threading.Thread(target=acquire)
    waiter.start()
    assert wait_until(lambda: bool(said), 10)
    assert "the dbt of a killed build" in said[0]
    assert is_alive(child)
    assert not got.is_set()
    parent.kill()
    parent.wait(10)
    assert got.wait(10)
    assert not is_alive(child)
    waiter.join(10)


def test_a_lock_that_was_deleted_keeps_nobody_out(kit: Kit) -> None:
    """`.work` is deleted while somebody waits: who gets the deleted file's lock must take the new one's."""
    config = kit.config
    config.work_dir.mkdir(parents=True)
    with open(config.lock_path, "w", encoding="utf-8") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        config.lock_path.unlink()
        with BuildLock(config, wait_seconds=0) as held:
            assert held
            with pytest.raises(CriticalProblem, match="another build holds lock"):
                BuildLock(config, wait_seconds=0).__enter__()


@pytest.mark.parametrize("ahead", ["raw", "served", "working"])
def test_a_session_is_dated_after_everything_known(kit: Kit, ahead: str, capsys: pytest.CaptureFixture[str]) -> None:
    config, later = kit.config, datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
    kit.write("crm/people.csv", "person_id,name", "1,Ann")
    if ahead == "served":
        config.warehouse_path.parent.mkdir(parents=True)
        publish(working_with(kit.folder, 1), config.warehouse_path, build_row(1) | {"built_at": later})
    else:
        kit.load(clock=later)
    if ahead == "raw":
        config.working_path.unlink()
    session = begin_session(config, BuildOptions(), Progress())
    assert session.problems == []
    assert session.started_at == later + timedelta(microseconds=1)
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "clock" in line)
    assert line.startswith("warning: the clock says")
    # A content that changes under the set back clock is the newest version all the same.
    kit.write("crm/people.csv", "person_id,name", "1,Anna")
    kit.load(clock=session.started_at)
    versions = RawStore(config.raw_dir).versions("crm", "people")
    assert versions[-1][0].loaded_at == session.started_at.isoformat()


def test_a_clock_that_is_right_is_not_spoken_of(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    kit.write("crm/people.csv", "person_id,name", "1,Ann")
    kit.load(clock=CLOCK - timedelta(days=1000))
    before = datetime.now(UTC)
    session = begin_session(kit.config, BuildOptions(), Progress())
    assert before <= session.started_at <= datetime.now(UTC)
    assert "clock" not in capsys.readouterr().err


def test_what_stands_in_the_place_of_the_served_file(
    kit: Kit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing, garbage, a whole file, one of a newer engine: each is told apart, and history is never given up."""
    config = kit.config
    served, history = config.warehouse_path, config.history_dir / "metric_weekly"

    def begin() -> tuple[list[str], str]:
        session = begin_session(config, BuildOptions(), Progress())
        return session.messages(), capsys.readouterr().err

    assert begin() == ([], "")
    publish(working_with(tmp_path, 1), served, build_row(1))
    assert begin() == ([], "")
    assert len(list(history.iterdir())) == 1
    whole = bytearray(served.read_bytes())
    served.write_bytes(b"garbage" * 1000)
    problems, said = begin()
    assert problems == []
    assert "leadhouse.duckdb cannot be read" in said
    assert "leadhouse.duckdb.damaged" in said
    served.unlink()
    problems, said = begin()
    assert problems == []
    assert "leadhouse.duckdb is not there, though figures were published before" in said
    served.write_bytes(_of_a_newer_engine(whole, tmp_path / "newer.duckdb"))
    assert examine(served) == "newer"
    problems, _ = begin()
    assert len(problems) == 1
    assert "newer version of DuckDB" in problems[0]
    assert len(list(history.iterdir())) == 1


def _of_a_newer_engine(whole: bytearray, trial: Path) -> bytes:
    """The same file with a storage version of the future, and the checksum that the engine computes of that."""
    whole[12:20] = struct.pack("<Q", 1200)
    trial.write_bytes(whole)
    with pytest.raises(duckdb.Error, match="computed checksum") as refused:
        duckdb.connect(str(trial), read_only=True)
    whole[0:8] = struct.pack("<Q", int(str(refused.value).split("computed checksum ")[1].split()[0]))
    return bytes(whole)


def test_readers_are_not_kept_waiting_by_the_lock(kit: Kit, tmp_path: Path) -> None:
    """The dashboard and `leadhouse metrics` read the served file while a build holds the brokerage."""
    publish(working_with(tmp_path, 1), kit.config.warehouse_path, build_row(1))
    with BuildLock(kit.config):
        began = time.monotonic()
        assert examine(kit.config.warehouse_path, inside=True) == "ours"
        assert time.monotonic() - began < 5
