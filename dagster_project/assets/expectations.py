"""Great Expectations as asset checks: what arrived and what is about to leave, judged before it is published."""

from collections.abc import Iterator
from dataclasses import fields

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    MaterializeResult,
    multi_asset,
)

from dagster_project.assets.shown import OPS, docs, link
from dagster_project.assets.steps import step
from dagster_project.expectations import read_suites, run_suites
from dagster_project.session import Session
from dagster_project.warehouse.checks import CheckResult, record_checks
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.working import open_working

CHECK_RESULTS = AssetKey(["quality", "check_results"])


def check_results(upstream: list[AssetKey]) -> AssetsDefinition:
    """`quality.check_results`, and every expectation as an asset check of it. `upstream`: the marts."""
    suites = read_suites()
    specs = [
        AssetCheckSpec(rule.name, asset=CHECK_RESULTS, description=rule.why)
        for suite in suites
        for rule in suite.expectations
    ]

    @multi_asset(
        name="expectations",
        group_name="quality",
        specs=[
            AssetSpec(
                CHECK_RESULTS,
                deps=upstream,
                description="Every check of the build.",
                kinds={"duckdb", "greatexpectations"},
                owners=OPS,
                tags={"leadhouse/layer": "quality"},
                metadata={"what was loaded": link("loaded"), "operations": docs("operations.md")},
            )
        ],
        check_specs=specs,
        required_resource_keys={"session"},
    )
    def validate(context: AssetExecutionContext) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        with step(context, "checks", "models") as session:
            session.progress.step("checking")
            if session.is_unchanged:
                results = _served(session, [spec.name for spec in specs])
            else:
                with open_working(session.config) as connection:
                    results = list(run_suites(connection, suites, session.started_at))
                    record_checks(connection, results)
        yield MaterializeResult(asset_key=CHECK_RESULTS, metadata={"dagster/row_count": len(results)})
        for result in results:
            yield AssetCheckResult(
                asset_key=CHECK_RESULTS,
                check_name=result.check_name,
                passed=result.status == "passed",
                severity=AssetCheckSeverity.ERROR if result.severity == "critical" else AssetCheckSeverity.WARN,
                metadata={"observed": result.observed, "expected": result.expected, "what to do": result.what_to_do},
            )

    return validate


def _served(session: Session, names: list[str]) -> list[CheckResult]:
    """What the checks of the served build found: the same inputs give the same results."""
    columns = [field.name for field in fields(CheckResult)]
    with open_published(session.config.warehouse_path) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(columns)} FROM quality.check_results WHERE list_contains(?, check_name) ORDER BY ALL",
            [names],
        ).fetchall()
    return [CheckResult(*row) for row in rows]
