"""Publishing: whole or not at all, and readers in this and another process never see a mixture."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.warehouse.published import keep_history, open_published, publish, served_build

READER = """
import sys, time
from pathlib import Path
from dagster_project.warehouse.published import open_published
path, until, seen, reads = Path(sys.argv[1]), time.monotonic() + 60, set(), 0
print("ready", flush=True)
while time.monotonic() < until:
    with open_published(path) as connection:
        for _ in range(5):
            (row,) = connection.execute(
                "SELECT (SELECT min(version) FROM marts.metric_weekly), (SELECT max(version) FROM marts.metric_weekly),"
                " (SELECT build_id FROM quality.build), (SELECT count(*) FROM marts.metric_weekly)"
            ).fetchall()
            assert row[0] == row[1] == int(row[2]) and row[3] == 5000, row
            reads += 1
    seen.add(row[0])
    if row[0] == 20:
        break
print(reads, len(seen))
"""


def working_with(folder: Path, version: int) -> Path:
    """A working database whose every row bears one version."""
    path = folder / "working.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for schema in ("marts", "quality", "private"):
            connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(
            "CREATE TABLE marts.metric_weekly AS SELECT DATE '2026-11-16' AS week_start, 'week' AS period,"
            " 'leads' AS metric_id, 'all' AS slice, n::VARCHAR AS slice_value, ?::INTEGER AS version"
            " FROM range(5000) t(n)",
            [version],
        )
        connection.execute(
            "CREATE TABLE marts.sla_policies AS SELECT 'portal' AS category, ?::INTEGER AS version", [version]
        )
        connection.execute(
            "CREATE TABLE quality.quarantine AS SELECT 'crm' AS source, 'deals' AS entity, 'x' AS reason"
        )
        connection.execute("COMMENT ON TABLE marts.metric_weekly IS 'One row per figure; it''s the only place.'")
        connection.execute("COMMENT ON COLUMN marts.metric_weekly.period IS 'The period.'")
        connection.execute("CREATE TABLE private.secret AS SELECT 1 AS x")
    return path


def build_row(version: int) -> dict[str, Any]:
    moment = datetime(2026, 11, 24, 8, 0, version, tzinfo=UTC)
    return {"build_id": str(version), "built_at": moment, "as_of": moment, "inputs": "x", "week_start": "monday"}


def test_only_marts_and_quality_leave_with_their_descriptions(tmp_path: Path) -> None:
    target = tmp_path / "out" / "leadhouse.duckdb"
    publish(working_with(tmp_path, 1), target, build_row(1))
    with open_published(target) as connection:
        schemas = {row[0] for row in connection.execute("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()}
        comments = connection.execute(
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'metric_weekly'"
            " UNION ALL SELECT comment FROM duckdb_columns() WHERE column_name = 'period'"
        ).fetchall()
    assert schemas == {"marts", "quality"}
    assert comments == [("One row per figure; it's the only place.",), ("The period.",)]
    assert sorted(path.name for path in target.parent.iterdir()) == ["leadhouse.duckdb"]


def test_readers_through_twenty_publishes(tmp_path: Path) -> None:
    target = tmp_path / "leadhouse.duckdb"
    publish(working_with(tmp_path, 0), target, build_row(0))
    other = subprocess.Popen(
        [sys.executable, "-c", READER, str(target)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    stop, problems, reads = threading.Event(), list[object](), [0]

    def read_here() -> None:
        try:
            while not stop.is_set():
                with open_published(target) as connection:
                    for _ in range(3):
                        (row,) = connection.execute(
                            "SELECT min(version), max(version), (SELECT build_id::INTEGER FROM quality.build)"
                            " FROM marts.metric_weekly"
                        ).fetchall()
                        if len(set(row)) != 1:
                            problems.append(row)
                        reads[0] += 1
        except Exception as error:  # whatever a reader meets is a failure of the test
            problems.append(error)

    readers = [threading.Thread(target=read_here) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, 21):
        publish(working_with(tmp_path, version), target, build_row(version))
    said, complaint = other.communicate(timeout=90)
    stop.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert reads[0] > 20
    assert other.returncode == 0, complaint
    assert int(said.split()[0]) > 20


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    target = folder / "leadhouse.duckdb"
    publish(working_with(tmp_path, 1), target, build_row(1))
    with pytest.raises(duckdb.Error):
        publish(tmp_path / "absent.duckdb", target, build_row(2))
    assert [path.name for path in folder.iterdir()] == ["leadhouse.duckdb"]
    served = served_build(target)
    assert served is not None
    assert served["build_id"] == "1"


def test_a_file_that_is_not_ours_serves_no_build(tmp_path: Path) -> None:
    foreign = tmp_path / "leadhouse.duckdb"
    assert served_build(foreign) is None
    foreign.write_bytes(b"not a database")
    assert served_build(foreign) is None


def test_history_keeps_each_publish_once(tmp_path: Path) -> None:
    target, history = tmp_path / "leadhouse.duckdb", tmp_path / "history"
    for version in (1, 2):
        publish(working_with(tmp_path, version), target, build_row(version))
        keep_history(target, history)
        keep_history(target, history)
    kept = sorted((history / "metric_weekly").iterdir())
    assert len(kept) == 2
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT build_id, min(version), count(*) FROM '{history}/metric_weekly/*.parquet' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [("1", 1, 5000), ("2", 2, 5000)]
    assert len(list((history / "sla_policies").iterdir())) == 2
    with duckdb.connect() as connection:
        counts = connection.execute(
            f"SELECT source, entity, reason, rows, build_id FROM '{history}/quarantine_counts/*.parquet' ORDER BY ALL"
        ).fetchall()
    assert counts == [("crm", "deals", "x", 1, "1"), ("crm", "deals", "x", 1, "2")]
