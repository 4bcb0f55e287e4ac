"""Great Expectations as asset checks: what arrived and what is about to leave, judged before it is published."""

from collections.abc import Iterator

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

from dagster_project.expectations import Expectation, Judged, Suite, read_suites, run_suites, served_attached
from dagster_project.session import Session
from dagster_project.warehouse.checks import record_checks
from dagster_project.warehouse.working import open_working

CHECK_RESULTS = AssetKey(["quality", "check_results"])


def check_results(upstream: list[AssetKey]) -> AssetsDefinition:
    """`quality.check_results` and `quality.check_rows`. `upstream`: the marts."""
    suites = read_suites()

    @asset(
        key=CHECK_RESULTS,
        group_name="quality",
        deps=upstream,
        kinds={"duckdb"},
        description="Every check of the build, and the rows behind those that failed.",
        required_resource_keys={"session"},
    )
    def expectations(context: AssetExecutionContext) -> MaterializeResult[None]:
        session: Session = context.resources.session
        session.progress.step("checking")
        with (
            session.watched(),
            open_working(session.config) as connection,
            served_attached(connection, session.config.warehouse_path),
        ):
            judged = Judged.of(
                session.config, session.as_of or session.started_at, session.as_of_origin, session.started_at
            )
            found = list(run_suites(connection, suites, judged))
            record_checks(connection, [result for result, _ in found], [row for _, rows in found for row in rows])
        failed = sum(result.status == "failed" for result, _ in found)
        return MaterializeResult(metadata={"dagster/row_count": len(found), "failed": failed})

    return expectations


def expectation_checks() -> AssetChecksDefinition:
    """Every expectation as a check of the asset it is about, told from `quality.check_results`."""
    assets = {rule.name: AssetKey(suite.asset.split("/")) for suite in read_suites() for rule in suite.expectations}

    @multi_asset_check(
        name="expectation_checks",
        specs=[_spec(suite, rule) for suite in read_suites() for rule in suite.expectations],
        required_resource_keys={"session"},
    )
    def tell(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        session: Session = context.resources.session
        with session.watched(), open_working(session.config) as connection:
            found = connection.execute(
                "SELECT check_name, status, severity, observed, expected, what_to_do, offenders"
                " FROM quality.check_results WHERE list_contains(?, check_name) AND layer != 'structure'",
                [list(assets)],
            ).fetchall()
        for name, status, severity, observed, expected, what_to_do, offenders in found:
            yield AssetCheckResult(
                asset_key=assets[name],
                check_name=name,
                passed=status == "passed",
                severity=AssetCheckSeverity.ERROR if severity == "critical" else AssetCheckSeverity.WARN,
                description=observed,
                metadata={"expected": expected, "what to do": what_to_do, "offenders": ", ".join(offenders)},
            )

    return tell


def _spec(suite: Suite, rule: Expectation) -> AssetCheckSpec:
    return AssetCheckSpec(
        rule.name,
        asset=AssetKey(suite.asset.split("/")),
        additional_deps=[CHECK_RESULTS],
        description=f"{rule.expected[0].upper()}{rule.expected[1:]}. {rule.why}",
        metadata={"owner": rule.owner, "severity": rule.severity, "what to do": rule.what_to_do},
    )
