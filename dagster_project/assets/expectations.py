"""Great Expectations as asset checks: what arrived and what is about to leave, judged before it is published."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from urllib.parse import urlencode

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
    multi_asset_check,
)

from dagster_project.assets.shown import OPS, docs, link
from dagster_project.assets.steps import step
from dagster_project.expectations import Expectation, Judged, Suite, read_suites, run_suites, served_attached
from dagster_project.session import Session
from dagster_project.warehouse.checks import CheckResult, record_checks
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.working import open_working

CHECK_RESULTS = AssetKey(["quality", "check_results"])


def check_results(upstream: list[AssetKey]) -> AssetsDefinition:
    """`quality.check_results` and `quality.check_rows`. `upstream`: the marts."""
    suites = read_suites()

    @asset(
        key=CHECK_RESULTS,
        group_name="quality",
        deps=upstream,
        kinds={"duckdb", "greatexpectations"},
        owners=OPS,
        tags={"leadhouse/layer": "quality"},
        description="Every check of the build, and the rows behind those that failed.",
        metadata={"data quality": link("loaded"), "checks": docs("checks.md"), "operations": docs("operations.md")},
        required_resource_keys={"session"},
    )
    def expectations(context: AssetExecutionContext) -> MaterializeResult[None]:
        with step(context, "checks", "models") as session:
            session.progress.step("checking")
            if not session.is_unchanged:
                _judge(session, suites)
            results = _results(session)
        failed = sum(result.status == "failed" for result in results)
        return MaterializeResult(metadata={"dagster/row_count": len(results), "failed": failed})

    return expectations


def _judge(session: Session, suites: list[Suite]) -> None:
    as_of = session.as_of or session.started_at
    judged = Judged.of(session.config, as_of, session.as_of_origin, session.started_at)
    with (
        open_working(session.config) as connection,
        served_attached(connection, session.config.warehouse_path),
    ):
        found = list(run_suites(connection, suites, judged))
        record_checks(connection, [result for result, _ in found], [row for _, rows in found for row in rows])


def _results(session: Session) -> list[CheckResult]:
    """What the suites found; where nothing is new, what they found at the served build: the same inputs, the same."""
    opened = open_published(session.config.warehouse_path) if session.is_unchanged else open_working(session.config)
    names = [rule.name for suite in read_suites() for rule in suite.expectations]
    columns = [field.name for field in fields(CheckResult)]
    with opened as connection:
        rows = connection.execute(
            f"SELECT {', '.join(columns)} FROM quality.check_results WHERE list_contains(?, check_name) ORDER BY ALL",
            [names],
        ).fetchall()
    return [CheckResult(**dict(zip(columns, row, strict=True))) for row in rows]


def expectation_checks() -> AssetChecksDefinition:
    """Every expectation as a check of the asset it is about, told from `quality.check_results`."""
    specs = [_spec(suite, rule) for suite in read_suites() for rule in suite.expectations]
    assets = {spec.name: spec.asset_key for spec in specs}

    @multi_asset_check(
        name="expectation_checks",
        specs=specs,
        required_resource_keys={"session"},
    )
    def tell(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        with step(context.op_execution_context, "asset checks", "checks") as session:
            results = _results(session)
        for result in results:
            yield AssetCheckResult(
                asset_key=assets[result.check_name],
                check_name=result.check_name,
                passed=result.status == "passed",
                severity=AssetCheckSeverity.ERROR if result.severity == "critical" else AssetCheckSeverity.WARN,
                description=result.observed,
                metadata=_shown(result),
            )

    return tell


def _shown(result: CheckResult) -> dict[str, Any]:
    """What the check's page says of a result; of one that failed also where its rows are."""
    shown = {"owner": result.owner, "expected": result.expected, "what to do": result.what_to_do}
    if result.status == "passed":
        return shown
    place = urlencode({"part": "checks", "check": result.check_name, "subject": result.subject})
    return {**shown, "offenders": ", ".join(result.offenders), "its rows": link(f"loaded?{place}")}


def _spec(suite: Suite, rule: Expectation) -> AssetCheckSpec:
    return AssetCheckSpec(
        rule.name,
        asset=AssetKey(suite.asset.split("/")),
        additional_deps=[CHECK_RESULTS],
        description=f"{rule.expected[0].upper()}{rule.expected[1:]}. {rule.why}",
        metadata={"owner": rule.owner, "severity": rule.severity, "what to do": rule.what_to_do},
    )
