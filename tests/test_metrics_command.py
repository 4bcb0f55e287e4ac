"""`leadhouse metrics`: what it prints, in every format, and that it stays light."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import ConfigError
from dagster_project.figures import COLUMNS, Figures, _csv, read_figures
from tests.conftest import run_leadhouse


@pytest.fixture(scope="module")
def brokerage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file of a few figures, and a configuration that names it."""
    folder = tmp_path_factory.mktemp("brokerage")
    (folder / "exports").mkdir()
    (folder / "leadhouse.toml").write_text(
        '[brokerage]\nname = "B"\ntimezone = "America/New_York"\n'
        '[warehouse]\npath = "leadhouse.duckdb"\n'
        '[[source]]\nname = "crm"\nkind = "files"\npath = "exports"\n',
        encoding="utf-8",
    )
    with duckdb.connect(str(folder / "leadhouse.duckdb")) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE SCHEMA quality")
        connection.execute("CREATE TABLE quality.build AS SELECT 'monday' AS week_start")
        connection.execute("CREATE TABLE marts.leads AS SELECT 'crm:1' AS lead_id")
        connection.execute(
            "CREATE TABLE marts.metric_definitions AS SELECT * FROM"
            " (VALUES ('contact_rate_48h', 1), ('sla_met_rate', 2)) AS d (metric_id, position)"
        )
        connection.execute(
            """
            CREATE TABLE marts.metric_weekly AS
            SELECT
                w.week::DATE AS week_start, 'week' AS period, 'cohort' AS basis, m.metric AS metric_id,
                s.slice, s.value AS slice_value, 0.5::DOUBLE AS value, 5::BIGINT AS numerator,
                10::BIGINT AS denominator, 0.2::DOUBLE AS ci_low, 0.8::DOUBLE AS ci_high, 'small' AS reliability,
                TIMESTAMPTZ '2026-11-23 00:00:00Z' AS as_of
            FROM (VALUES ('2026-11-09'), ('2026-11-16')) AS w (week)
            CROSS JOIN (VALUES ('contact_rate_48h'), ('sla_met_rate')) AS m (metric)
            CROSS JOIN (VALUES ('all', 'all'), ('source', '=HYPERLINK("x")'), ('source', 'Zillow')) AS s (slice, value)
            """
        )
    return folder / "leadhouse.toml"


def test_filters(brokerage: Path) -> None:
    warehouse = brokerage.parent / "leadhouse.duckdb"
    assert len(read_figures(warehouse).rows) == 12
    assert len(read_figures(warehouse, week="2026-11-18").rows) == 6
    assert len(read_figures(warehouse, metric="sla_met_rate", slice_="source").rows) == 4
    (row,) = read_figures(warehouse, week="2026-11-16", metric="sla_met_rate", slice_="source=Zillow").rows
    assert row[COLUMNS.index("week_start")] == date(2026, 11, 16)


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        ({"metric": "contact_rate"}, "contact_rate_48h"),
        ({"slice_": "sauce"}, "source"),
        ({"week": "last"}, "2026-11-16"),
        ({"metric": "x' OR '1'='1"}, "contact_rate_48h"),
    ],
)
def test_a_filter_that_fits_nothing_names_what_is_there(brokerage: Path, filters: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read_figures(brokerage.parent / "leadhouse.duckdb", **filters)


@pytest.mark.parametrize("format_", ["table", "csv", "json", "parquet", "xlsx"])
def test_formats(brokerage: Path, tmp_path: Path, format_: str) -> None:
    out = tmp_path / f"figures.{format_}"
    done = run_leadhouse("metrics", "--config", brokerage, "--format", format_, "--out", out)
    assert done.returncode == 0, done.stderr
    if format_ == "csv":
        assert len(list(csv.DictReader(out.open(encoding="utf-8")))) == 12
    elif format_ == "json":
        assert json.loads(out.read_text(encoding="utf-8"))[0]["denominator"] == 10
    elif format_ == "parquet":
        assert pq.read_table(out).num_rows == 12
    elif format_ == "xlsx":
        assert openpyxl.load_workbook(out).active.max_row == 13
    else:
        assert "contact_rate_48h" in out.read_text(encoding="utf-8")


def test_a_formula_in_a_name_stays_text(brokerage: Path) -> None:
    figures = read_figures(brokerage.parent / "leadhouse.duckdb", slice_="source")
    cells = [row["slice_value"] for row in csv.DictReader(io.StringIO(_csv(figures).decode()))]
    assert '\'=HYPERLINK("x")' in cells
    assert _csv(Figures([])).decode().count("\n") == 1


def test_it_imports_no_heavy_tool(brokerage: Path) -> None:
    code = (
        "import sys; from dagster_project import cli\n"
        f"sys.argv = ['leadhouse', 'metrics', '--config', {str(brokerage)!r}, '--format', 'csv']\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert end.code in (0, None), end.code\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "heavy = loaded & set('dagster dbt great_expectations streamlit pandas'.split())\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_figures_it_says_what_to_do(tmp_path: Path, brokerage: Path) -> None:
    config = tmp_path / "leadhouse.toml"
    config.write_text(brokerage.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "exports").mkdir()
    done = run_leadhouse("metrics", "--config", config)
    assert done.returncode == 1
    assert "leadhouse build" in done.stderr


def test_an_unknown_format_is_an_argument_error(brokerage: Path) -> None:
    done = run_leadhouse("metrics", "--config", brokerage, "--format", "pdf")
    assert done.returncode == 2
    assert "xlsx" in done.stderr
