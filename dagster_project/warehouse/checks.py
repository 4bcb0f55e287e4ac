"""`quality.check_results`: every check of a build, whoever ran it, as one row in one table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from dagster_project.warehouse.values import without_values

Severity = Literal["critical", "warning"]
Layer = Literal["arrival", "structure", "metrics"]


MAX_OFFENDERS = 20
"""Names that a result lists."""

MAX_ROWS = 200
"""Rows that `quality.check_rows` keeps of one check."""


@dataclass(frozen=True)
class CheckResult:
    """One row of `quality.check_results`. `offenders`: the failing sources, files, weeks; at most `MAX_OFFENDERS`."""

    check_name: str
    subject: str
    layer: Layer
    severity: Severity
    status: Literal["passed", "failed"]
    observed: str
    expected: str
    owner: str
    why: str
    what_to_do: str
    checked_at: datetime
    offenders: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckRow:
    """One row of `quality.check_rows`: a row of an export that a failing check is about. It names nobody."""

    check_name: str
    subject: str
    source: str | None = None
    entity: str | None = None
    file: str | None = None
    line: int | None = None
    row_id: str | None = None
    note: str | None = None


_SQL_TYPES = {"checked_at": "TIMESTAMPTZ", "offenders": "VARCHAR[]", "line": "BIGINT"}


def start_checks(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty tables of results and of offending rows: a build's checks are its own."""
    for table, kind in (("check_results", CheckResult), ("check_rows", CheckRow)):
        columns = ", ".join(f"{item.name} {_SQL_TYPES.get(item.name, 'VARCHAR')}" for item in fields(kind))
        connection.execute(f"CREATE OR REPLACE TABLE quality.{table} ({columns})")


def record_checks(
    connection: duckdb.DuckDBPyConnection, results: Iterable[CheckResult], rows: Iterable[CheckRow] = ()
) -> None:
    """Add results and offending rows to their tables."""
    found: dict[str, list[tuple[Any, ...]]] = {
        "check_results": [
            tuple(list(value) if isinstance(value, tuple) else value for value in astuple(result)) for result in results
        ],
        "check_rows": [astuple(row) for row in rows],
    }
    for table, values in found.items():
        if values:
            marks = ", ".join("?" for _ in values[0])
            connection.executemany(f"INSERT INTO quality.{table} VALUES ({marks})", values)


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def failed_checks(
    connection: duckdb.DuckDBPyConnection, severity: Severity, told: Iterable[CheckResult] = ()
) -> list[str]:
    """One line per failed check of a severity: what, where, what was found and expected, what to do.

    `told`: results of which the person has been told already.
    """
    known = {(check.check_name, check.subject) for check in told}
    return [
        f"check {name} on {subject}: found {observed}, expected {expected}; {what_to_do}"
        for name, subject, observed, expected, what_to_do in connection.execute(
            """
            SELECT check_name, subject, observed, expected, what_to_do
            FROM quality.check_results
            WHERE status = 'failed' AND severity = ?
            ORDER BY layer, subject, check_name
            """,
            [severity],
        ).fetchall()
        if (name, subject) not in known
    ]


def read_artifact(path: Path) -> dict[str, Any]:
    """One of dbt's JSON artifacts; nothing where it is absent or was left half written."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


@dataclass(frozen=True)
class Failed:
    """What failed in a dbt run, one line each: tests that found rows, and what could not be computed at all."""

    tests: list[str]
    errors: list[str]


def record_dbt_tests(connection: duckdb.DuckDBPyConnection, target: Path, checked_at: datetime) -> Failed:
    """Add the results of dbt's data tests (layer `structure`) from its artifacts; returns what failed.

    A failing test with severity `error` blocks publishing because dbt's build failed with it.
    """
    nodes: dict[str, Any] = read_artifact(target / "manifest.json")["nodes"]
    checks: list[CheckResult] = []
    failed = Failed([], [])
    for result in read_artifact(target / "run_results.json")["results"]:
        node = nodes.get(result["unique_id"])
        is_error = result["status"] in ("error", "runtime error")
        if node is None or result["status"] == "skipped":  # not run: what it is about could not be computed
            continue
        if node["resource_type"] != "test":
            if is_error:
                told = " ".join(without_values(result["message"] or "").split())
                failed.errors.append(f"dbt {node['resource_type']} {node['name']}: {told}")
            continue
        has_failed = is_error or result["status"] in ("fail", "warn")
        check = _dbt_check(node, result, has_failed, checked_at)
        checks.append(check)
        if has_failed and result["status"] != "warn":
            line = f"dbt test {check.check_name} on {check.subject}: {check.observed}, expected {check.expected}"
            (failed.errors if is_error else failed.tests).append(line)
    record_checks(connection, checks)
    return failed


def _dbt_check(node: dict[str, Any], result: dict[str, Any], failed: bool, checked_at: datetime) -> CheckResult:
    subject = (node.get("attached_node") or "").rsplit(".", 1)[-1] or ", ".join(ref["name"] for ref in node["refs"])
    column = node.get("column_name")
    meta = node["config"].get("meta") or {}
    rows = result.get("failures")
    return CheckResult(
        check_name=node["name"],
        subject=f"{subject}.{column}" if column else subject,
        layer="structure",
        severity="critical" if node["config"]["severity"].lower() == "error" else "warning",
        status="failed" if failed else "passed",
        observed=counted(rows, "row")
        if rows is not None
        else " ".join(without_values(result["message"] or "").split()),
        expected="0 rows",
        owner=meta.get("owner", "analyst"),
        why=node.get("description") or f"{(node.get('test_metadata') or {}).get('name', 'test')} of {subject}",
        what_to_do=meta.get("what_to_do", "run the compiled test to see the rows, then mend the model or the source"),
        checked_at=checked_at,
    )
