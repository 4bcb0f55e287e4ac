"""Ingest and publish, killed at many moments in processes of their own, and files that move while they are read."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import CriticalProblem
from dagster_project.sources.ingest import ingest_source
from dagster_project.warehouse.leftovers import sweep
from dagster_project.warehouse.published import keep_history, open_published, served_build
from dagster_project.warehouse.raw import RawStore, read_texts
from dagster_project.warehouse.working import discard_damaged
from tests.conftest import ROOT
from tests.faults.steps import Steps, load_once, publish_once
from tests.ingest_kit import CLOCK, SOURCE, Kit

pytestmark = pytest.mark.faults

KILLS = 30
HEAD = "touch_id,person_id,occurred_at,channel,direction,sender_type,agent"
ROWS = "SELECT * EXCLUDE (_load_id, _deleted_by_load) FROM raw.touches WHERE _deleted_by_load IS NULL ORDER BY touch_id"
LOG = (
    "SELECT file, sha256, rows, loaded, quarantined, exact_duplicates, superseded, filtered FROM quality.load_log"
    " WHERE status <> 'gone' ORDER BY file, sha256"
)


def export(kit: Kit, version: int) -> None:
    """Two files whose every row says which version it is; ids are shared by neighbouring versions."""
    for name in ("touches-a.csv", "touches-b.csv"):
        start = version * 1000 + (500_000 if name == "touches-b.csv" else 0)
        rows = (f"{start + n},{n % 400},2026-11-10T10:00:00Z,call,outbound,human,v{version}" for n in range(1500))
        kit.write(f"crm/{name}", HEAD, *rows)


@pytest.mark.parametrize("mode", ["snapshot", "append"])
def test_ingest_killed_at_thirty_moments(tmp_path: Path, mode: str) -> None:
    """After any kill the working database is whole, and the next load makes it what a load from nothing makes it."""
    kit = Kit(tmp_path, SOURCE + f'mode = "{mode}"\n')
    steps, killed = Steps(seed=11), 0
    export(kit, 0)
    config = kit.config
    steps.run(load_once, config.file, "first", CLOCK)
    for version in range(1, KILLS + 1):
        export(kit, version)
        killed += steps.kill(load_once, config.file, f"k{version}", CLOCK + timedelta(minutes=version))
        assert discard_damaged(config, inside=True) is None
        for info, path in RawStore(config.raw_dir).versions("crm", "touches"):
            assert sum(1 for _ in read_texts(path)) == 1500, info.file
        if version % 10 == 0:
            kit.load(clock=CLOCK + timedelta(minutes=version, seconds=30))
            mended = kit.rows(ROWS), kit.rows(LOG)
            config.working_path.unlink()
            kit.load(clock=CLOCK + timedelta(minutes=version, seconds=40))
            assert mended == (kit.rows(ROWS), kit.rows(LOG))
            names = {
                row[0] for row in kit.rows("SELECT DISTINCT agent FROM raw.touches WHERE _deleted_by_load IS NULL")
            }
            assert f"v{version}" in names
    sweep(config, config.warehouse_path)
    assert [path for path in config.raw_dir.rglob("*") if path.name.endswith(".tmp")] == []
    assert killed > KILLS / 2


def working_with(folder: Path, version: int) -> Path:
    """A working database large enough to be killed in, whose every row bears one version."""
    path = folder / f"working-{version}.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("marts", "quality"):
            connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(
            "CREATE TABLE marts.metric_weekly AS SELECT DATE '2026-11-16' AS week_start, 'week' AS period,"
            " 'leads' AS metric_id, 'all' AS slice, hash(n)::VARCHAR AS slice_value, ?::INTEGER AS version,"
            " TIMESTAMPTZ '2026-11-24 08:00:00Z' AS as_of FROM range(150000) t(n)",
            [version],
        )
        connection.execute(
            "CREATE TABLE marts.sla_policies AS SELECT 'portal' AS category, ?::INTEGER AS version", [version]
        )
    return path


READER = """
import sys
from pathlib import Path
from dagster_project.warehouse.published import open_published
path, reads = Path(sys.argv[1]), 0
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    with open_published(path) as connection:
        row = connection.execute(
            "SELECT min(version), max(version), count(*), (SELECT build_id::INTEGER FROM quality.build)"
            " FROM marts.metric_weekly"
        ).fetchall()[0]
    assert row[0] == row[1] == row[3] and row[2] == 150000, row
    reads += 1
print(reads)
"""


def build_row(version: int) -> dict[str, Any]:
    moment = datetime(2026, 11, 24, 8, version // 60, version % 60, tzinfo=UTC)
    return {"build_id": str(version), "built_at": moment, "as_of": moment, "inputs": "x", "week_start": "monday"}


def test_publish_killed_at_thirty_moments(tmp_path: Path) -> None:
    """Before, in the midst of and after the switch: what is served is whole, history has all that was ever served."""
    out = tmp_path / "out"
    target, history, stop = out / "leadhouse.duckdb", out / "history", tmp_path / "stop"
    steps, killed, ever = Steps(seed=5), 0, {"0"}
    works = [working_with(tmp_path, version) for version in range(2)]
    steps.run(publish_once, works[0], target, history, build_row(0))
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(target), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    for version in range(1, KILLS + 1):
        keep_history(target, history)  # as every build begins
        with duckdb.connect(str(works[1])) as connection:
            connection.execute("UPDATE marts.metric_weekly SET version = ?", [version])
        killed += steps.kill(publish_once, works[1], target, history, build_row(version))
        served = served_build(target)
        assert served is not None
        assert served["build_id"] in (str(version), max(ever, key=int))
        ever.add(served["build_id"])
        with open_published(target) as connection:
            (row,) = connection.execute(
                "SELECT min(version), max(version), count(*) FROM marts.metric_weekly"
            ).fetchall()
        assert row == (int(served["build_id"]), int(served["build_id"]), 150000)
    keep_history(target, history)
    stop.touch()
    said, complaint = reader.communicate(timeout=60)
    assert reader.returncode == 0, complaint
    assert int(said) > KILLS / 2
    assert killed > KILLS / 2
    assert 1 < len(ever) < KILLS
    with duckdb.connect() as connection:
        kept = connection.execute(
            f"SELECT build_id, min(version), max(version), count(*) FROM '{history}/metric_weekly/*.parquet' GROUP BY 1"
        ).fetchall()
    assert {row[0] for row in kept} == ever
    assert all(row[1:] == (int(row[0]), int(row[0]), 150000) for row in kept)


def refusal(kit: Kit) -> tuple[str, ...]:
    """What a load is refused for; nothing when it completes."""
    try:
        kit.load()
    except CriticalProblem as problem:
        return problem.messages
    return ()


MOVER = """
import os, sys, time
from pathlib import Path
path, kind = Path(sys.argv[1]), sys.argv[2]
away, number, until = path.with_name("away"), 10_000_000, time.monotonic() + 120
print("ready", flush=True)
while time.monotonic() < until:
    if kind == "grows":
        with path.open("a") as file:
            file.write(f"{number},1,2026-11-10T10:00:00Z,call,outbound,human,new\\n")
        number += 1
        time.sleep(0.01)
    elif kind == "vanishes":
        os.rename(path, away)
        time.sleep(0.03)
        os.rename(away, path)
        time.sleep(0.03)
    else:
        path.with_name("fresh").write_bytes(path.read_bytes().replace(b"human", b"ai" if number % 2 else b"isa", 3))
        os.replace(path.with_name("fresh"), path)
        number += 1
        time.sleep(0.02)
"""


@pytest.mark.parametrize("kind", ["grows", "vanishes", "is replaced"])
def test_a_file_that_moves_while_it_is_read(tmp_path: Path, kind: str) -> None:
    """A load is of one whole content or is refused in one line; when the file rests, the next one completes."""
    kit = Kit(tmp_path, SOURCE)
    kit.write("crm/people.csv", "person_id,name,email", "1,Ann,a@x.com")
    rows = [f"{n},1,2026-11-10T10:00:00Z,call,outbound,human,old" for n in range(4000)]
    path = kit.write("crm/touches.csv", HEAD, *rows)
    mover = subprocess.Popen([sys.executable, "-c", MOVER, str(path), kind], stdout=subprocess.PIPE, text=True)
    refused = 0
    try:
        assert mover.stdout is not None
        assert mover.stdout.readline() == "ready\n"
        until = time.monotonic() + 12
        while time.monotonic() < until and (refused < 3 or kind == "grows"):
            problems = refusal(kit)
            refused += bool(problems)
            assert all("touches" in line and "\n" not in line for line in problems), problems
            for info, stored in RawStore(kit.config.raw_dir).versions("crm", "touches"):
                lines = [text for _, text in read_texts(stored)]
                assert len("\n".join([HEAD, *lines]).encode()) + 1 == info.bytes, "raw holds no content that ever was"
            if kind == "grows" and refused:
                break
    finally:
        mover.kill()
        mover.wait(10)
    assert refused
    away = path.with_name("away")
    if away.exists():
        away.rename(path)
    path.with_name("fresh").unlink(missing_ok=True)
    kit.load(accept_shrink=True)
    assert kit.rows("SELECT count(*) FROM raw.touches WHERE _deleted_by_load IS NULL") == [
        (path.read_text(encoding="utf-8").count("\n") - 1,)
    ]


class KilledAtCommit(Exception):  # noqa: N818 - it stands for a kill
    """The process ends when the raw versions have their names, before the database has committed."""


class Dying:
    """A connection of a process that is killed at its commit."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, query: str, *values: Any) -> Any:
        if query == "COMMIT":
            raise KilledAtCommit
        return self._connection.execute(query, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_an_increment_in_raw_whose_load_was_killed_is_not_lost(tmp_path: Path) -> None:
    """Append mode: raw has the content, the database does not, and the file has been replaced since."""
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n')
    for version in range(2):
        kit.write("crm/touches.csv", HEAD, f"{version},1,2026-11-10T10:00:00Z,call,outbound,human,v{version}")
        kit.load()
    kit.write("crm/touches.csv", HEAD, "2,1,2026-11-10T10:00:00Z,call,outbound,human,v2")
    config, clock = kit.config, CLOCK + timedelta(minutes=30)
    with kit.working() as connection:
        dying: Any = Dying(connection)
        with pytest.raises(KilledAtCommit):
            ingest_source(dying, config, config.sources[0], load_id="X", clock=clock)
    kit.write("crm/touches.csv", HEAD, "3,1,2026-11-10T10:00:00Z,call,outbound,human,v3")
    for minute in (40, 50):  # once, and not again by the next load
        kit.load(clock=CLOCK + timedelta(minutes=minute))
        assert kit.rows("SELECT agent FROM raw.touches WHERE _deleted_by_load IS NULL ORDER BY touch_id") == [
            ("v0",),
            ("v1",),
            ("v2",),
            ("v3",),
        ]
    kept = kit.rows(ROWS)
    kit.config.working_path.unlink()
    kit.load(clock=CLOCK + timedelta(minutes=60))
    assert kit.rows(ROWS) == kept
