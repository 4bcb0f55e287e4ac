"""Each literal answer of leads.yml is the answer of a real build, published and read back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .write import as_of, expected, expected_figures, expected_of, expected_touches, write_export


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file of a build of the cases."""
    folder = tmp_path_factory.mktemp("hand_worked")
    config = write_export(folder)
    out = folder / "published.duckdb"
    command = [str(Path(sys.executable).with_name("leadhouse")), "build", "--config", str(config)]
    done = subprocess.run(
        [*command, "--as-of", as_of(), "--out", str(out)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{out}' AS published (READ_ONLY)")
        connection.execute("USE published")
        yield connection


@pytest.fixture(scope="module")
def leads(published: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Every lead by its id; instants as microseconds since 1970, so that no zone of the session colours them."""
    described = published.execute("DESCRIBE marts.leads").fetchall()
    columns = ", ".join(f"epoch_us({name}) AS {name}" if name.endswith("_at") else name for name, *_ in described)
    rows = published.execute(
        f"SELECT {columns}, count(*) OVER (PARTITION BY person_key) AS leads_of_person FROM marts.leads"
    )
    names = [column[0] for column in rows.description or ()]
    return {row[names.index("lead_id")]: dict(zip(names, row, strict=True)) for row in rows.fetchall()}


def _comparable(column: str, value: Any) -> Any:
    """The literal as the database gives it."""
    if value is not None and column.endswith("_at"):
        moment = datetime.fromisoformat(value)
        assert moment.tzinfo, f"a literal instant needs an offset: {value}"
        return round(moment.timestamp() * 1_000_000)
    return value


@pytest.mark.parametrize(
    ("case", "lead_id", "column", "value"),
    expected(),
    ids=[f"{lead_id}-{column}" for _, lead_id, column, _ in expected()],
)
def test_literal_answer(leads: dict[str, dict[str, Any]], case: str, lead_id: str, column: str, value: Any) -> None:
    if column == "exists":
        assert (lead_id in leads) is value, case
        return
    assert lead_id in leads, f"{case}: no such lead"
    found = leads[lead_id][column]
    if isinstance(found, Decimal):
        found = float(found)
    elif column in ("opened_local", "week_start"):
        found = str(found)
    assert found == _comparable(column, value), case


@pytest.mark.parametrize(
    ("case", "touch_id", "lead_id"), expected_touches(), ids=[touch_id for _, touch_id, _ in expected_touches()]
)
def test_touch_belongs(published: duckdb.DuckDBPyConnection, case: str, touch_id: str, lead_id: str | None) -> None:
    found = published.execute("SELECT lead_id FROM marts.touches WHERE touch_id = ?", [touch_id]).fetchall()
    assert found == [(lead_id,)], case


TABLES = {"chains": "marts.appointment_chains", "people": "marts.metric_people"}
KEY = ("week_start", "period", "metric_id", "slice", "slice_value")


@pytest.fixture(scope="module")
def rows_of(published: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict[str, Any]]]:
    """`[chains or people][chain_id][column]`, instants as microseconds since 1970."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, table in TABLES.items():
        names = [name for name, *_ in published.execute(f"DESCRIBE {table}").fetchall()]
        columns = ", ".join(f"epoch_us({name}) AS {name}" if name.endswith("_at") else name for name in names)
        rows = published.execute(f"SELECT {columns} FROM {table}").fetchall()
        found[kind] = {row[names.index("chain_id")]: dict(zip(names, row, strict=True)) for row in rows}
    return found


@pytest.mark.parametrize("kind", TABLES)
def test_appointments_and_people(rows_of: dict[str, dict[str, dict[str, Any]]], kind: str) -> None:
    """Every answer, and no chain that no case speaks of."""
    wrong = [
        (case, key, column, found, value)
        for case, key, column, value in expected_of(kind)
        if (found := _plain(rows_of[kind].get(key, {}).get(column, "no such row"))) != _comparable(column, value)
    ]
    assert wrong == []
    if kind == "chains":
        assert set(rows_of[kind]) == {key for _, key, _, _ in expected_of(kind)}


def _plain(found: Any) -> Any:
    return str(found) if isinstance(found, date) else found


@pytest.mark.parametrize(
    ("case", "row"),
    expected_figures(),
    ids=["-".join(str(row[name]) for name in KEY) for _, row in expected_figures()],
)
def test_literal_figure(published: duckdb.DuckDBPyConnection, case: str, row: dict[str, Any]) -> None:
    where = " AND ".join(f"{name} = ?" for name in KEY)
    answers = {name: value for name, value in row.items() if name not in KEY}
    found = published.execute(f"FROM marts.metric_weekly WHERE {where}", [row[name] for name in KEY])
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    if answers.pop("exists", True) is False:
        assert rows == [], case
        return
    assert len(rows) == 1, case
    assert {name: rows[0][name] for name in answers} == {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value for name, value in answers.items()
    }, case


def test_nothing_else(leads: dict[str, dict[str, Any]], published: duckdb.DuckDBPyConnection) -> None:
    """No lead that no case speaks of, and no row that could not be read."""
    assert set(leads) <= {lead_id for _, lead_id, _, _ in expected()}
    assert published.execute("SELECT * FROM quality.quarantine").fetchall() == []
