"""The last step: what was checked becomes what is served, or nothing changes."""

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from dagster_project import __version__
from dagster_project.errors import CriticalProblem, LeadhouseError
from dagster_project.session import Session
from dagster_project.warehouse.checks import failed_checks
from dagster_project.warehouse.published import keep_history, publish, served_build
from dagster_project.warehouse.working import open_working


def published_warehouse(upstream: list[AssetKey]) -> AssetsDefinition:
    """The published file. `upstream`: the marts and the check results."""

    @asset(
        key=["published", "warehouse"],
        group_name="published",
        deps=upstream,
        kinds={"duckdb"},
        description="The file everybody reads; switched to whole, after every critical check has passed.",
        required_resource_keys={"session"},
    )
    def switch(context: AssetExecutionContext) -> MaterializeResult[None]:
        session: Session = context.resources.session
        with session.watched():
            _publish(session)
        return MaterializeResult(metadata={"path": str(session.target), "as_of": str(session.as_of)})

    return switch


def _publish(session: Session) -> None:
    with open_working(session.config) as connection:
        critical = failed_checks(connection, "critical")
        warnings = failed_checks(connection, "warning", told=session.arrivals)
    warnings += _going_back(session)
    if session.options.strict:
        critical, warnings = critical + warnings + session.warnings, []
    session.warn(warnings)
    if critical:
        raise CriticalProblem(critical)
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
        "version": __version__,
        "inputs": session.inputs,
    }
