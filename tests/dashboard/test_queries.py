"""The reader of the published file: what it refuses, what it returns, and that it never mixes two versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dashboards import queries
from dashboards.queries import Scope

ROOT = Path(__file__).parents[2]
WEEK = date(2026, 3, 2)
SWAPS = 20
SCOPES = [
    Scope(WEEK),
    Scope(WEEK, "trailing_4w", "source", "Zillow"),
    Scope(WEEK, "trailing_12w", "agent", "Ana Ruiz"),
    Scope(WEEK, "trailing_52w", "responder", "(nobody)"),
    Scope(WEEK, "trailing_4w", "hours", "after_hours"),
]


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, dashboards.queries; print(*{n.split('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"streamlit", "pandas", "numpy", "plotly", "dagster", "dbt", "great_expectations", "pyarrow"}
    assert not heavy & set(done.stdout.split())


def test_no_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(queries.WarehouseMissingError) as raised:
        queries.snapshot(tmp_path / "none.duckdb")
    assert "leadhouse build" in raised.value.what_to_do


def test_a_file_that_is_no_warehouse_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.duckdb"
    text.write_text("hello" * 1000)
    with pytest.raises(queries.WarehouseUnreadableError):
        queries.snapshot(text)
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with pytest.raises(queries.WarehouseUnreadableError, match=r"lacks marts\.leads"):
        queries.snapshot(other)


def test_a_path_may_hold_quotes_and_spaces(warehouse: Path, tmp_path: Path) -> None:
    copy = tmp_path / "it's a file.duckdb"
    shutil.copy(warehouse, copy)
    assert queries.build(queries.snapshot(copy))["brokerage"] == "Harbor & Main Realty"


def test_it_cannot_write(warehouse: Path) -> None:
    with pytest.raises(duckdb.Error, match="read-only"):
        queries.connect(warehouse).execute("delete from marts.leads")


def test_read_metrics_narrows_by_week_metric_and_slice(warehouse: Path) -> None:
    con = queries.connect(warehouse)
    rows = queries.read_metrics(con, "2026-03-04", "sla_met_rate", "source").to_dicts()
    assert {row["week_start"] for row in rows} == {WEEK}
    assert {row["metric_id"] for row in rows} == {"sla_met_rate"}
    assert {row["slice"] for row in rows} == {"source"}
    assert {row["period"] for row in rows} == set(queries.PERIODS)
    everything = con.execute("select count(*) from marts.metric_weekly").fetchall()[0][0]
    assert len(queries.read_metrics(con).fetchall()) == everything


@pytest.mark.parametrize(("metric", "slice_"), [("x' or 1 = 1 --", None), (None, "source; drop table marts.leads")])
def test_read_metrics_knows_its_names(warehouse: Path, metric: str | None, slice_: str | None) -> None:
    with pytest.raises(queries.UnknownNameError, match="known: "):
        queries.read_metrics(queries.connect(warehouse), None, metric, slice_)


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: f"{scope.slice}-{scope.period}")
def test_the_list_behind_a_figure_has_its_leads(snap: queries.Snapshot, scope: Scope) -> None:
    figures = queries.figures(snap, scope)
    seen = 0
    for metric in queries.definitions(snap):
        if not queries.has_leads_behind(snap, metric) or metric not in figures:
            continue
        seen += 1
        leads, figure = queries.leads_behind(snap, metric, scope), figures[metric]
        if figure["denominator"] is None:
            assert len(leads) == figure["value"], metric
        else:
            assert len(leads) == figure["denominator"], metric
            assert sum(bool(lead["counts"]) for lead in leads) == figure["numerator"], metric
    assert seen >= 16


def test_values_are_bound(snap: queries.Snapshot) -> None:
    evil = "x' or '1'='1"
    assert queries.figures(snap, Scope(WEEK, "week", "source", evil)) == {}
    assert queries.leads_behind(snap, "leads", Scope(WEEK, "week", "source", evil)) == []
    assert queries.quarantine(snap, source=evil) == []
    with pytest.raises(queries.UnknownNameError):
        queries.leads_behind(snap, "leads", Scope(WEEK, "week", "name = name or l.source", "x"))
    with pytest.raises(queries.UnknownNameError):
        queries.leads_behind(snap, "inquiries", Scope(WEEK, "week", "responder", "x"))
    with pytest.raises(queries.UnknownNameError):
        queries.leads_behind(snap, "lead_id) or (true", Scope(WEEK))


def test_weeks_that_can_be_judged_leave_out_the_youngest(snap: queries.Snapshot) -> None:
    assert queries.weeks(snap)[-1] == date(2026, 3, 9)
    assert queries.judged_weeks(snap, "week")[-1] == WEEK


def test_excluded_leads_add_up(snap: queries.Snapshot) -> None:
    scope = Scope(WEEK, "trailing_12w")
    assert sum(queries.exclusions(snap, scope).values()) == queries.figures(snap, scope)["leads_excluded"]["value"]


def test_the_outcome_of_the_last_build(tmp_path: Path) -> None:
    path = tmp_path / "leadhouse.duckdb"
    assert queries.last_build(path) is None
    for text in ("{", "[]", "null"):
        path.with_name("last_build.json").write_text(text)
        assert queries.last_build(path) is None
    path.with_name("last_build.json").write_text('{"status": "failed"}')
    assert queries.last_build(path) == {"status": "failed"}


def publish(path: Path, number: int) -> None:
    """A small published file in which every row says which version it is of, switched to atomically."""
    fresh = path.with_name(f"next-{number}.duckdb")
    with duckdb.connect(str(fresh)) as con:
        con.execute("create schema marts; create schema quality")
        con.execute("create table marts.metric_definitions as select 'leads' as metric_id, 1 as position")
        con.execute(f"create table marts.metric_weekly as select {number} as value from range(20000)")
        con.execute(f"create table marts.leads as select {number} as version from range(20000)")
        con.execute(f"create table quality.build as select {number} as build_id, now() as as_of, now() as built_at,"
                    " 'UTC' as timezone")  # fmt: skip
    os.replace(fresh, path)


def read_once(path: Path) -> int:
    """Read three tables from one snapshot, and check that they are of one version."""
    snap = queries.snapshot(path)
    found = {row["value"] for row in snap.rows("select distinct value from marts.metric_weekly")}
    found |= {row["version"] for row in snap.rows("select distinct version from marts.leads")}
    found.add(queries.build(snap)["build_id"])
    assert len(found) == 1, found
    return int(found.pop())


READER = """
import sys
from pathlib import Path
from tests.dashboard.test_queries import read_once
path, last, versions = Path(sys.argv[1]), int(sys.argv[2]), []
print("ready", flush=True)
while not versions or versions[-1] < last:
    versions.append(read_once(path))
assert versions == sorted(versions), versions
print(len(versions), len(set(versions)))
"""


def test_readers_see_one_version_each_through_twenty_publishes(tmp_path: Path) -> None:
    path = tmp_path / "leadhouse.duckdb"
    publish(path, 0)
    errors: list[BaseException] = []
    seen: list[list[int]] = [[], []]

    def loop(versions: list[int]) -> None:
        try:
            while not versions or versions[-1] < SWAPS:
                versions.append(read_once(path))
        except BaseException as error:
            errors.append(error)

    other = subprocess.Popen(
        [sys.executable, "-c", READER, str(path), str(SWAPS)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=loop, args=(versions,)) for versions in seen]
    for thread in threads:
        thread.start()
    for number in range(1, SWAPS + 1):
        publish(path, number)
        time.sleep(0.03)
    for thread in threads:
        thread.join(60)
    out, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    assert not errors
    for versions in seen:
        assert versions == sorted(versions)
        assert len(set(versions)) > SWAPS // 2, "the readers should have met most versions"
    assert int(out.split()[1]) > SWAPS // 2


def test_a_snapshot_keeps_its_version_and_the_next_one_is_new(tmp_path: Path) -> None:
    path = tmp_path / "leadhouse.duckdb"
    publish(path, 1)
    old = queries.snapshot(path)
    assert queries.snapshot(path) is old
    for number in range(2, 6):
        publish(path, number)
        assert queries.build(queries.snapshot(path))["build_id"] == number
    assert queries.build(old)["build_id"] == 1


def test_a_row_is_found_by_its_key_or_by_the_id_that_its_source_gave_it(snap: queries.Snapshot) -> None:
    wanted = snap.rows("select * from marts.inquiries order by inquiry_key limit 1")[0]
    for row_id in (wanted["inquiry_key"], wanted["inquiry_id"]):
        for source in ("crm", None):
            assert queries.canonical_row(snap, "inquiries", row_id, source) == {
                name: value for name, value in wanted.items() if value is not None
            }
        assert queries.canonical_row(snap, "inquiries", row_id, "dialer") is None
    for entity, row_id in (("inquiries", "' or true --"), ("touches", "t1"), ("no such", "1"), ("leads", "")):
        assert queries.canonical_row(snap, entity, row_id) is None  # not there, or no such table


def test_a_line_of_a_file_is_found_among_what_was_set_aside(snap: queries.Snapshot) -> None:
    for file in ("calls-2026-03.csv", "dialer/calls-2026-03.csv"):
        found = queries.set_aside_row(snap, "dialer", file, 18)
        assert found is not None
        assert found["raw_text"] == "c2,2026-03-02 09:00,fax,outbound"
    assert queries.set_aside_row(snap, "dialer", "calls-2026-03.csv", 19) is None
    assert queries.set_aside_row(snap, "crm", "calls-2026-03.csv", 18) is None


def test_rows_of_checks_are_read_where_the_file_has_them(warehouse: Path, tmp_path: Path) -> None:
    assert queries.check_rows(queries.snapshot(warehouse), "a", "b") == []
    newer = Path(shutil.copy(warehouse, tmp_path / "newer.duckdb"))
    with duckdb.connect(str(newer)) as connection:
        connection.execute(
            "CREATE TABLE quality.check_rows AS SELECT 'a' AS check_name, 'b' AS subject, 'crm' AS source,"
            " 'touches' AS entity, 'f' AS file, x AS line, NULL::VARCHAR AS row_id, 'n' AS note"
            " FROM range(5, 0, -1) AS t (x)"
        )
    found = queries.check_rows(queries.snapshot(newer), "a", "b")
    assert [row["line"] for row in found] == [1, 2, 3, 4, 5]
    assert queries.check_rows(queries.snapshot(newer), "a", "c") == []


def test_rows_a_day_are_those_that_happened_by_source(warehouse: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(warehouse, tmp_path / "days.duckdb"))
    with duckdb.connect(str(copy)) as connection:
        connection.execute("DELETE FROM marts.inquiries")
        connection.execute("CREATE TABLE marts.touches (feed VARCHAR, occurred_local TIMESTAMP)")
        connection.execute("CREATE OR REPLACE TABLE marts.spend (feed VARCHAR, spend_date DATE)")
        connection.execute("CREATE TABLE marts.tasks (feed VARCHAR, due_local TIMESTAMP)")  # due is not arrived
        connection.execute(
            "INSERT INTO marts.touches VALUES ('dialer', '2026-03-09 23:59'), ('dialer', '2026-03-09 00:00'),"
            " ('dialer', '2026-03-10 01:00'), ('dialer', '2027-01-01'), ('dialer', '2026-01-01'), ('dialer', NULL)"
        )
        connection.execute("INSERT INTO marts.spend VALUES ('ads', '2026-03-08')")
        connection.execute("INSERT INTO marts.tasks VALUES ('crm', '2026-03-08')")
    assert queries.rows_per_day(queries.snapshot(copy)) == {
        "dialer": {date(2026, 3, 9): 2, date(2026, 3, 10): 1},
        "ads": {date(2026, 3, 8): 1},
    }


def test_a_source_tells_the_last_load_that_brought_something(warehouse: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(warehouse, tmp_path / "loads.duckdb"))
    with duckdb.connect(str(copy)) as connection:
        connection.execute("UPDATE quality.load_log SET loaded_at = '2026-03-01 12:00Z' WHERE entity = 'people'")
        connection.execute("UPDATE quality.load_log SET loaded = 0 WHERE source = 'ads' OR entity = 'inquiries'")
    brought = {row["source"]: row["brought_local"] for row in queries.sources(queries.snapshot(copy))}
    assert brought["ads"] is None
    assert str(brought["crm"]) == "2026-03-01 07:00:00"


def test_what_lies_beside_a_published_file() -> None:
    assert queries.beside("w/leadhouse.duckdb", "state.sqlite") == Path("w/state.sqlite")
    assert queries.beside("w/second.duckdb", "state.sqlite") == Path("w/state-second.sqlite")
