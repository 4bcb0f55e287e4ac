"""What an engine says is told without the values that it quotes."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse.values import forget_values, without_values

VALUES = ["Zoe Canary", "zoe.canary@example.com", 'O\'Brien "Zoe" Canary', "Zoe\nCanary", "+1 212 736 5000"]
STATEMENTS = [
    "SELECT CAST(v AS INTEGER) FROM t",
    "SELECT CAST(v AS TIMESTAMPTZ) FROM t",
    "SELECT CAST(v AS DECIMAL(9, 2)) FROM t",
    "SELECT CAST(v AS BOOLEAN) FROM t",
    "SELECT CAST(v AS UUID) FROM t",
    "SELECT CAST(v AS JSON) FROM t",
    "SELECT CAST(v AS ENUM ('a', 'b')) FROM t",
    "SELECT CAST(v AS STRUCT (a INTEGER)) FROM t",
    "SELECT strptime(v, '%Y-%m-%d') FROM t",
    "SELECT timezone(v, now()) FROM t",
    "SELECT date_trunc(v, now()) FROM t",
    "SELECT error(v) FROM t",
    "SELECT regexp_matches('x', v || '(') FROM t",
    "INSERT INTO k SELECT v FROM t UNION ALL SELECT v FROM t",
    "INSERT INTO c SELECT v FROM t",
    "SELECT CAST('{literal}' AS INTEGER)",
]


def holds(text: str, value: str) -> bool:
    """Whether any word of a value is in a text."""
    return any(word.casefold() in text.casefold() for word in ("canary", "zoe", "brien", "736", value))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_engines_error_is_told_without_the_value(statement: str, value: str) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS v", [value])
        connection.execute("CREATE TABLE k (v VARCHAR PRIMARY KEY); CREATE TABLE c (v VARCHAR CHECK (length(v) < 3))")
        with pytest.raises(duckdb.Error) as error:
            connection.execute(statement.format(literal=value.replace("'", "''"))).fetchall()
    assert not holds(without_values(str(error.value)), value)
    told = f"Runtime Error in model people (models/people.sql)\n  {error.value}"
    assert not holds(without_values(told), value)
    assert "people" in without_values(told)


@pytest.mark.parametrize(
    "message",
    [
        'Catalog Error: Table with name "x" does not exist!',
        'IO Error: Cannot open file "/x/y.duckdb": No space left on device',
        'Binder Error: Referenced column "b" not found in FROM clause!',
    ],
)
def test_errors_about_names_stay_whole(message: str) -> None:
    assert without_values(message) == message


def test_a_failed_run_of_dbt_keeps_no_value(tmp_path: Path) -> None:
    message = "Runtime Error in model people (models/people.sql)\n  Conversion Error: Could not convert string 'Zoe\n"
    message += "  Canary' to INT32 when casting from source column name"
    (tmp_path / "dbt.log").write_text(
        f"08:00:00.1 [debug] [x]: SQL\n08:00:01.2 [error] [x]: {message}\n08:00:02.3 [info ] [x]: Done. PASS=1\n"
    )
    results = {"results": [{"status": "error", "message": message}, {"status": "success", "message": None}]}
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    forget_values(tmp_path)
    left = "".join(path.read_text() for path in tmp_path.iterdir())
    assert not holds(left, "Canary")
    assert "Done. PASS=1" in left
    assert left.count("model people") == 2
