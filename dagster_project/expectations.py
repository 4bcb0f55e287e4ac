"""Great Expectations over the suites in `expectations/`: read as data, run on small frames cut out by DuckDB.

Frames are whole-dataframe batches of an ephemeral context: GX's own DuckDB connection closes before rows are fetched.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field

from dagster_project import __version__
from dagster_project.config import Config
from dagster_project.dbt_project import ROOT
from dagster_project.warehouse.checks import (
    MAX_OFFENDERS,
    MAX_ROWS,
    CheckResult,
    CheckRow,
    Layer,
    Severity,
    counted,
)
from dagster_project.warehouse.published import attach_readonly, examine, open_published
from dagster_project.warehouse.reading import read_everything

SUITES_DIR = ROOT / "expectations"
_SHOWN = 3
_SERVED = ("marts.metric_weekly", "quality.load_log", "quality.build")
"""Tables of the published file that suites compare with."""


class Expectation(BaseModel):
    """One rule of a suite: what GX is asked, and in words what is expected, whose it is, why it matters, what to do.

    `found` tells a failing row in words, `{column}` being the frame's. `rows` is a query for the rows of the exports
    behind it: source, entity, file, line, row_id, note; `$offenders` are the frame's first column where it failed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z0-9_]+$")
    expect: str
    arguments: dict[str, Any] = Field(alias="with")
    expected: str
    found: str
    severity: Severity
    owner: str
    why: str
    what_to_do: str
    rows: str | None = None


class Suite(BaseModel):
    """One file of `expectations/`: a query over the working database, and what is expected of its rows.

    `asset` is the Dagster asset it is about. The first column of the query names a row, `each` says what a row is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    subject: str
    asset: str
    each: str
    layer: Layer
    query: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class MappedColumn:
    """A column that a `[[source.table]]` feeds; `fallback` is what its value map makes of every other word (`*`)."""

    source: str
    entity: str
    column_name: str
    words: int = 0
    fallback: str | None = None


@dataclass(frozen=True)
class Judged:
    """What the suites may know beside the data: the tables `settings`, `holidays` and `mapped` of their queries."""

    as_of: datetime
    checked_at: datetime
    timezone: str = "UTC"
    stale_after_days: int = 3
    looks_at_clock: bool = True
    holidays: tuple[date, ...] = ()
    mapped: tuple[MappedColumn, ...] = ()

    @classmethod
    def of(cls, config: Config, as_of: datetime, as_of_origin: str, checked_at: datetime) -> Judged:
        """As the configuration has it."""
        return cls(
            as_of=as_of,
            checked_at=checked_at,
            timezone=config.brokerage.timezone,
            stale_after_days=config.rules.stale_after_days,
            looks_at_clock=config.alerts.clock and as_of_origin != "given",
            holidays=config.hours.holidays if config.hours else (),
            mapped=tuple(_mapped(config)),
        )


def _mapped(config: Config) -> Iterator[MappedColumn]:
    for source in config.sources:
        for table in source.tables:
            for name in dict.fromkeys([*table.columns, *table.expressions]):
                words = table.values.get(name, {})
                different = len({word.casefold() for word in words.values()})
                yield MappedColumn(source.name, table.entity, name, different, words.get("*"))


def read_suites(folder: Path = SUITES_DIR) -> list[Suite]:
    """All suites, in the order of their files' names. Raises pydantic.ValidationError for one that is not a suite."""
    return [
        Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yml"))
    ]


@contextmanager
def served_attached(connection: duckdb.DuckDBPyConnection, published: Path) -> Iterator[None]:
    """The last publish as catalogue `served`, to compare with; its tables are empty where there is none.

    So they are where another version published them with other columns: that is no past to judge by.
    """
    is_there = _is_past(published)
    connection.execute("ATTACH ':memory:' AS served")
    if is_there:
        attach_readonly(connection, published, "served_file")
    try:
        for table in _SERVED:
            schema, name = table.split(".")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS served.{schema}")
            wanted, has = _columns(connection, None, table), _columns(connection, "served_file", table)
            source = f"served_file.{table}" if wanted.items() <= has.items() else f"{table} LIMIT 0"
            if name == "build":  # the working database has none
                wanted = {"as_of": "TIMESTAMP WITH TIME ZONE", "version": "VARCHAR"}
                empty = "(SELECT NULL::TIMESTAMPTZ AS as_of, NULL::VARCHAR AS version LIMIT 0)"
                source = f"served_file.{table}" if wanted.items() <= has.items() else empty
            columns = ", ".join(f'"{column}"' for column in wanted) or "*"
            connection.execute(f"CREATE TABLE served.{table} AS SELECT {columns} FROM {source}")
        yield
    finally:
        connection.execute("DETACH served")
        if is_there:
            connection.execute("DETACH served_file")


def _is_past(published: Path) -> bool:
    """Whether there is a publish to compare with. One that is damaged inside is none: the build has said so already."""
    if examine(published) != "ours":
        return False
    try:
        # In a connection of its own: a damaged block would end the one that holds the working database.
        with open_published(published) as connection:
            read_everything(connection, "published", only=_SERVED)
    except duckdb.Error:
        return False
    return True


def _columns(connection: duckdb.DuckDBPyConnection, catalogue: str | None, table: str) -> dict[str, str]:
    schema, name = table.split(".")
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?"
        " AND database_name = coalesce(?, current_database()) ORDER BY column_index",
        [schema, name, catalogue],
    ).fetchall()
    return dict(rows)


def run_suites(
    connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite], judged: Judged, folder: Path = SUITES_DIR
) -> Iterator[tuple[CheckResult, list[CheckRow]]]:
    """Validate every suite; one result per expectation, and the rows behind it. An expectation that breaks has failed.

    Hold `served_attached` around it. The SQL of `shared/` runs first: temporary tables that several suites read.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # 6 s: only when checks run
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    whole = (
        context.data_sources.add_pandas("working")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("all")
    )
    prepare_shared(connection, judged, folder)
    for suite in suites:
        table = connection.sql(suite.query).to_arrow_table()
        rules = {rule.name: rule for rule in suite.expectations}
        asked = [
            getattr(gx.expectations, _class_name(rule.expect))(**rule.arguments, meta={"name": rule.name})
            for rule in suite.expectations
        ]
        batch = whole.get_batch({"dataframe": table.to_pandas()})
        told = batch.validate(gx.ExpectationSuite(suite.subject, expectations=asked), result_format="COMPLETE")
        results: list[dict[str, Any]] = [outcome.to_json_dict() for outcome in told.results]
        outcomes = {outcome["expectation_config"]["meta"]["name"]: outcome for outcome in results}
        for name, rule in rules.items():
            result = _result(suite, rule, outcomes[name], table, judged.checked_at)
            yield result, _rows(connection, rule, result)


def prepare_shared(connection: duckdb.DuckDBPyConnection, judged: Judged, folder: Path = SUITES_DIR) -> None:
    """What the queries of the suites stand on: `settings`, `holidays`, `mapped`, and the tables of `shared/*.sql`."""
    today = judged.as_of.astimezone(ZoneInfo(judged.timezone)).date()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE settings AS SELECT ?::TIMESTAMPTZ AS as_of, ?::TIMESTAMPTZ AS checked_at,"
        " ?::VARCHAR AS timezone, ?::DATE AS today, ?::INTEGER AS stale_after_days,"
        " ?::BOOLEAN AS looks_at_clock,"
        " ?::VARCHAR AS version",
        [
            judged.as_of,
            judged.checked_at,
            judged.timezone,
            today,
            judged.stale_after_days,
            judged.looks_at_clock,
            __version__,
        ],
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE holidays AS SELECT unnest(?::DATE[]) AS day", [judged.holidays])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE mapped"
        " (source VARCHAR, entity VARCHAR, column_name VARCHAR, words INTEGER, fallback VARCHAR)"
    )
    if judged.mapped:
        connection.executemany(
            "INSERT INTO mapped VALUES ($source, $entity, $column_name, $words, $fallback)",
            [asdict(column) for column in judged.mapped],
        )
    for path in sorted((folder / "shared").glob("*.sql")):
        connection.execute(path.read_text(encoding="utf-8"))


def _class_name(expectation: str) -> str:
    return "".join(word.capitalize() for word in expectation.split("_"))


def _result(
    suite: Suite, rule: Expectation, outcome: Mapping[str, Any], frame: pa.Table, checked_at: datetime
) -> CheckResult:
    exceptions = outcome.get("exception_info") or {}
    broken = exceptions.get("raised_exception") or any(
        isinstance(item, dict) and item.get("raised_exception") for item in exceptions.values()
    )
    result = outcome.get("result") or {}
    failing: list[dict[str, Any]] = []
    if broken:
        observed = "an expectation that could not be evaluated"
    elif outcome["success"]:
        observed = f"{counted(frame.num_rows, suite.each)} as expected" if frame.num_rows else "nothing to judge yet"
    else:
        places = sorted(set(result.get("unexpected_index_list") or []))
        failing = frame.take(places).to_pylist()
        observed = _told(rule, failing) or f"found {result.get('observed_value')}"
    return CheckResult(
        check_name=rule.name,
        subject=suite.subject,
        layer=suite.layer,
        severity=rule.severity,
        status="passed" if outcome["success"] and not broken else "failed",
        observed=observed,
        expected=rule.expected,
        owner=rule.owner,
        why=rule.why,
        what_to_do=rule.what_to_do,
        checked_at=checked_at,
        offenders=tuple(dict.fromkeys(str(next(iter(row.values()))) for row in failing))[:MAX_OFFENDERS],
    )


def _told(rule: Expectation, failing: list[dict[str, Any]]) -> str:
    shown = [rule.found.format_map(_spoken(row)) for row in failing[:_SHOWN]]
    more = len(failing) - len(shown)
    return "; ".join(shown) + (f"; and {more:,} more" if more else "")


def _spoken(row: Mapping[str, Any]) -> dict[str, Any]:
    """Whole numbers without `.0`: `{rows:,}` reads the same whatever the engine summed in."""
    return {
        name: int(value) if isinstance(value, float) and math.isfinite(value) and value == int(value) else value
        for name, value in row.items()
    }


def _rows(connection: duckdb.DuckDBPyConnection, rule: Expectation, result: CheckResult) -> list[CheckRow]:
    if rule.rows is None or not result.offenders:
        return []
    found = connection.execute(
        "SELECT source, entity, file, line, row_id, note"
        f" FROM ({rule.rows}) ORDER BY source, entity, file, line, row_id LIMIT {MAX_ROWS}",
        {"offenders": list(result.offenders)},
    ).fetchall()
    return [CheckRow(result.check_name, result.subject, *row) for row in found]
