"""Files of another version of this program: they open, are made anew, or are refused in a line that says what to do.

The tables are those of 0.1.0, in its own words; its raw files are in tests/test_raw.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dagster_project import __version__
from dagster_project.build import run_build
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.figures import read_figures
from dagster_project.session import BuildOptions
from dagster_project.warehouse.published import keep_history, served_build
from dagster_project.warehouse.working import open_working
from dashboards import queries
from tests.conftest import run_leadhouse
from tests.dashboard import published
from tests.ingest_kit import SOURCE, Kit

BUILD_OF_0_1_0 = """
    CREATE TABLE quality.build (build_id VARCHAR, built_at TIMESTAMP WITH TIME ZONE, as_of TIMESTAMP WITH TIME ZONE,
        as_of_origin VARCHAR, brokerage VARCHAR, timezone VARCHAR, country VARCHAR, currency VARCHAR,
        week_start VARCHAR, version VARCHAR, inputs VARCHAR);
    INSERT INTO quality.build VALUES ('79ca2223c5e3', '2026-11-24 22:47:32Z', '2026-11-19 15:05:00Z', 'data',
        'My Brokerage', 'America/New_York', 'US', 'USD', 'monday', '0.1.0', '9135449173de5270');
"""
WORKING_OF_AN_OLDER_ONE = """
    CREATE SCHEMA raw; CREATE SCHEMA quality; CREATE SCHEMA ingest;
    CREATE TABLE raw.people (person_id VARCHAR, name VARCHAR, _source VARCHAR);
    INSERT INTO raw.people VALUES ('9', 'Old', 'crm');
    CREATE TABLE quality.load_log (load_id VARCHAR, source VARCHAR, file VARCHAR, rows BIGINT);
    CREATE TABLE ingest.settings (name VARCHAR, value VARCHAR);
    INSERT INTO ingest.settings VALUES
        ('shape', '5bf940b3e7c7fa28135ad01132381239b4b89a04ee40719889115a0ee4a549b8_'), ('facts', 'x');
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published.write(tmp_path_factory.mktemp("whole") / "leadhouse.duckdb", weeks=3)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    kit = Kit(tmp_path, SOURCE + 'mode = "append"\n')
    kit.write("crm/people.csv", "person_id,name,email", "1,Ann,")
    return kit


# --- the working database --------------------------------------------------------------------------------------------


def test_a_working_database_of_another_version_is_made_anew_and_told(kit: Kit) -> None:
    config, told = kit.config, list[str]()
    config.work_dir.mkdir(parents=True)
    with duckdb.connect(str(config.working_path)) as old:
        old.execute(WORKING_OF_AN_OLDER_ONE)
    with open_working(config, told.append) as connection:
        assert connection.execute("SELECT count(*) FROM raw.people").fetchall() == [(0,)]
    assert told == ["the working database was written by another version: everything is read again"]
    kit.load()
    assert kit.rows("SELECT person_id, name FROM raw.people") == [("1", "Ann")]
    with open_working(config, told.append):
        assert len(told) == 1  # said once


def test_a_new_working_database_is_nothing_to_tell(kit: Kit) -> None:
    told = list[str]()
    with open_working(kit.config, told.append):
        assert told == []


# --- the published file ----------------------------------------------------------------------------------------------


def published_as(folder: Path, whole: Path, *statements: str) -> Path:
    """A published file, changed to another shape."""
    path = folder / "warehouse" / "leadhouse.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(whole, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE quality.build;" + BUILD_OF_0_1_0)
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.mark.parametrize(
    ("statement", "page"),
    [
        ("ALTER TABLE marts.metric_definitions DROP COLUMN words", "views/definitions.py"),
        ("ALTER TABLE marts.leads DROP COLUMN sla_status", ""),
        ("ALTER TABLE quality.sources DROP COLUMN is_stale", "views/data_quality.py"),
        ("ALTER TABLE quality.check_results DROP COLUMN status", "views/data_quality.py"),
        ("DROP TABLE quality.sources", "views/data_quality.py"),
        ("DROP TABLE marts.metric_definitions", ""),
    ],
)
def test_a_page_says_that_another_version_wrote_the_file(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, statement: str, page: str
) -> None:
    path = published_as(tmp_path, whole, statement)
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(path))
    app = AppTest.from_file(Path(queries.__file__).with_name("app.py"), default_timeout=30)
    app.run()  # the first page, from which the others are reached
    if page:
        app.switch_page(page).run()
    assert not app.exception
    (error,) = [element.value.replace("\\", "") for element in app.error]  # without the escapes of Markdown
    assert "written by version 0.1.0 of Leadhouse" in error
    assert "leadhouse build" in error


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE marts.metric_weekly DROP COLUMN reliability", "ALTER TABLE marts.metric_weekly DROP COLUMN period",
     "DROP TABLE marts.leads"],
)  # fmt: skip
def test_metrics_says_that_another_version_wrote_the_file(tmp_path: Path, whole: Path, statement: str) -> None:
    path = published_as(tmp_path, whole, statement)
    with pytest.raises(CriticalProblem, match=r"written by version 0\.1\.0 .*Run `leadhouse build`") as told:
        read_figures(path, period="week")
    assert "\n" not in str(told.value)


def test_a_file_that_says_no_version_is_still_one_line(tmp_path: Path, whole: Path) -> None:
    path = published_as(
        tmp_path,
        whole,
        "ALTER TABLE quality.build DROP COLUMN version",
        "ALTER TABLE marts.metric_weekly DROP COLUMN value",
    )
    with pytest.raises(CriticalProblem, match=r"version \(unknown\)"):
        read_figures(path)


def test_what_an_older_file_lacks_is_not_kept_in_history(tmp_path: Path, whole: Path) -> None:
    """An older file without a table that history keeps now must not stop every build from then on."""
    path = published_as(tmp_path, whole, "DROP TABLE IF EXISTS marts.sla_policies")
    keep_history(path, tmp_path / "history")
    assert sorted(folder.name for folder in (tmp_path / "history").iterdir()) == ["metric_weekly", "quarantine_counts"]


def test_history_of_two_shapes_reads_as_one(tmp_path: Path, whole: Path) -> None:
    older = published_as(tmp_path, whole, "ALTER TABLE marts.metric_weekly DROP COLUMN ci_low")
    keep_history(older, tmp_path / "history")
    newer = published_as(tmp_path, whole, "UPDATE quality.build SET build_id = 'next'")
    keep_history(newer, tmp_path / "history")
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT build_id, count(*), count(ci_low) > 0"
            f" FROM read_parquet('{tmp_path}/history/metric_weekly/*.parquet', union_by_name = true)"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert [(build, has_limits) for build, _, has_limits in rows] == [("79ca2223c5e3", False), ("next", True)]
    assert rows[0][1] == rows[1][1] > 0


@pytest.mark.parametrize(
    ("version", "newer"), [("99.0.0", True), ("0.1.0.99", False), (__version__, False), ("0.0.9", False), ("x", False)]
)
def test_figures_of_a_newer_version_are_not_replaced_unasked(
    kit: Kit, whole: Path, version: str, newer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = published_as(kit.folder, whole, f"UPDATE quality.build SET version = '{version}'")
    served, started = served_build(path), list[str]()

    def stop(session: object) -> None:
        started.append("started")

    monkeypatch.setattr("dagster_project.build._execute", stop)
    build: Callable[[BuildOptions], object] = lambda options: run_build(kit.config, options)  # noqa: E731
    if newer:
        with pytest.raises(ConfigError, match=rf"written by Leadhouse {version}, this is .*--full-refresh"):
            build(BuildOptions())
        assert started == []
    else:
        build(BuildOptions())
        assert started == ["started"]
    build(BuildOptions(full_refresh=True))
    build(BuildOptions(out=kit.folder / "other.duckdb"))
    assert len(started) == (2 if newer else 3)
    assert served_build(path) == served


def test_a_newer_file_is_refused_by_the_command(kit: Kit, whole: Path) -> None:
    published_as(kit.folder, whole, "UPDATE quality.build SET version = '99.0.0'")
    done = run_leadhouse("build", "--config", kit.config.file)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "written by Leadhouse 99.0.0" in line
