"""The last step: what was checked becomes what is served, or nothing changes."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, MetadataValue, asset

from dagster_project import __version__
from dagster_project.assets.freshness import built_by_now
from dagster_project.assets.shown import OPS, docs, link, table
from dagster_project.assets.steps import step, unchanged
from dagster_project.config import Config
from dagster_project.errors import CriticalProblem, LeadhouseError
from dagster_project.session import Session
from dagster_project.warehouse.checks import failed_checks
from dagster_project.warehouse.published import keep_history, open_published, publish, served_build
from dagster_project.warehouse.working import open_working

PUBLISHED = AssetKey(["published", "warehouse"])


def published_warehouse(config: Config, upstream: list[AssetKey]) -> AssetsDefinition:
    """The published file. `upstream`: the check results, which every table comes before."""

    @asset(
        key=PUBLISHED,
        group_name="published",
        deps=upstream,
        kinds={"duckdb"},
        owners=OPS,
        tags={"leadhouse/layer": "published"},
        description="The file everybody reads; switched to whole, after every critical check has passed.",
        metadata={"dashboard": link(""), "tables": docs("architecture.md"), "operations": docs("operations.md")},
        freshness_policy=built_by_now(config),
        required_resource_keys={"session"},
    )
    def switch(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        with step(context, "publish", "checks") as session:
            if session.is_unchanged:
                yield from unchanged(context)
                return
            _publish(session)
        yield MaterializeResult(
            metadata={
                "path": MetadataValue.path(session.target),
                "as of": str(session.as_of),
                "build": session.build_id,
                "warnings": len(session.warnings),
                "latest whole week": table(_headlines(session)),
            }
        )

    return switch


_HEADLINES = """
    SELECT d.label, w.value, d.unit, w.week_start
    FROM marts.metric_weekly AS w INNER JOIN marts.metric_definitions AS d ON w.metric_id = d.metric_id
    WHERE
        d.is_headline AND w.period = 'week' AND w.slice = 'all'
        AND w.week_start = (
            SELECT max(week_start) FROM marts.metric_weekly WHERE period = 'week' AND week_start <= ?::DATE - 7
        )
    ORDER BY d.position
"""


def _headlines(session: Session) -> list[dict[str, Any]]:
    """The figures that the first page shows, of the last week that was over at `as_of`."""
    with open_published(session.target) as connection:
        found = connection.execute(_HEADLINES, [session.as_of]).fetchall()
    return [
        {"figure": label, "value": "" if value is None else f"{value:.4g}", "unit": unit, "week": str(week)}
        for label, value, unit, week in found
    ]


def judge(session: Session) -> None:
    """Tell every failed check; raises CriticalProblem where one of them must stop the figures.

    `leadhouse check` tells again, with what to do, what the load told as it met it.
    """
    arrivals = session.arrivals
    told = arrivals if session.options.publish else []
    again = () if session.options.publish else tuple(check.observed for check in arrivals)
    before = [line for line in session.warnings if not line.endswith(again)]
    with open_working(session.config) as connection:
        critical = failed_checks(connection, "critical")
        warnings = failed_checks(connection, "warning", told=told)
    warnings += _going_back(session)
    if session.options.strict:
        critical, warnings = critical + warnings + before, []
    session.warn(warnings)
    if critical:
        raise CriticalProblem(critical)


def _publish(session: Session) -> None:
    judge(session)
    publish(session.config.working_path, session.target, _build_row(session))
    session.is_published = True
    if session.options.out is None:
        try:
            keep_history(session.target, session.config.history_dir)
        except LeadhouseError as problem:
            raise CriticalProblem(
                f"{line}; the new figures are served, the next build keeps them in history" for line in problem.messages
            ) from None


def _going_back(session: Session) -> list[str]:
    """A default `as_of` before the served one is right where rows were taken out, and nothing to keep silent about."""
    served = served_build(session.target)
    if session.options.out is not None or served is None or session.as_of is None or session.as_of >= served["as_of"]:
        return []
    before, now = (f"{moment:%Y-%m-%d %H:%M}" for moment in (served["as_of"], session.as_of))
    line = f"the figures go back from {before} to {now} UTC: the newest inquiries or touches are no longer there"
    return [f"{line}, expected them to stay"]


def _build_row(session: Session) -> dict[str, object]:
    brokerage = session.config.brokerage
    return {
        "build_id": session.build_id,
        "built_at": session.started_at,
        "as_of": session.as_of,
        "as_of_origin": session.as_of_origin,
        "brokerage": brokerage.name,
        "timezone": brokerage.timezone,
        "country": brokerage.country,
        "currency": brokerage.currency,
        "week_start": brokerage.week_start,
        "feed_above_roi": session.config.economics.feed_above_roi,
        "stop_below_roi": session.config.economics.stop_below_roi,
        "version": __version__,
        "inputs": session.inputs,
    }
