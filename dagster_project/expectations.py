"""Great Expectations over the suites in `expectations/`: read as data, run on small frames cut out by DuckDB.

Frames are whole-dataframe batches of an ephemeral context: GX's own DuckDB connection closes before rows are fetched.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field

from dagster_project.dbt_project import ROOT
from dagster_project.warehouse.checks import CheckResult, Layer, Severity

SUITES_DIR = ROOT / "expectations"


class Expectation(BaseModel):
    """One rule of a suite: what GX is asked, and in words what is expected, whose it is, why it matters, what to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    expect: str
    arguments: dict[str, Any] = Field(alias="with")
    expected: str
    severity: Severity
    owner: str
    why: str
    what_to_do: str


class Suite(BaseModel):
    """One file of `expectations/`: a query over the working database, and what is expected of its rows.

    The first column of the query names a row: it stands in the message when the row fails.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    subject: str
    layer: Layer
    query: str
    expectations: tuple[Expectation, ...]


def read_suites(folder: Path = SUITES_DIR) -> list[Suite]:
    """All suites, in the order of their files' names. Raises pydantic.ValidationError for one that is not a suite."""
    return [
        Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yml"))
    ]


def run_suites(
    connection: duckdb.DuckDBPyConnection, suites: list[Suite], checked_at: datetime
) -> Iterator[CheckResult]:
    """Validate every suite; one result per expectation. An expectation that breaks is a failed one."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # 6 s: only when checks run
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("working")
    for number, suite in enumerate(suites):
        frame = connection.execute(suite.query).df()
        batch = (
            source.add_dataframe_asset(f"{number}")
            .add_batch_definition_whole_dataframe("whole")
            .get_batch({"dataframe": frame})
        )
        for rule in suite.expectations:
            expectation = getattr(gx.expectations, _class_name(rule.expect))(**rule.arguments)
            outcome = batch.validate(expectation, result_format="COMPLETE").to_json_dict()
            yield _result(suite, rule, outcome, list(frame[frame.columns[0]]), checked_at)


def _class_name(expectation: str) -> str:
    return "".join(word.capitalize() for word in expectation.split("_"))


def _result(
    suite: Suite, rule: Expectation, outcome: Mapping[str, Any], rows: list[object], checked_at: datetime
) -> CheckResult:
    exceptions = outcome.get("exception_info") or {}
    broken = exceptions.get("raised_exception") or any(
        isinstance(item, dict) and item.get("raised_exception") for item in exceptions.values()
    )
    result = outcome.get("result") or {}
    if broken:
        observed = "an expectation that could not be evaluated"
    elif outcome["success"]:
        observed = f"{result.get('element_count', len(rows))} rows as expected"
    else:
        observed = _offenders(result, rows)
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
    )


def _offenders(result: Mapping[str, Any], rows: list[object]) -> str:
    places = result.get("unexpected_index_list") or []
    values = result.get("unexpected_list") or []
    shown = [f"{rows[place]}: {value:.3g}" for place, value in zip(places, values, strict=False)][:3]
    count = result.get("unexpected_count", len(places))
    return f"{count} of {len(rows)} otherwise" + (f" ({'; '.join(shown)})" if shown else "")
