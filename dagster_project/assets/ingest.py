"""Sources into the working database: one asset a source from one factory, then the raw tables they fill together."""

from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    MaterializeResult,
    asset,
    multi_asset,
)

from dagster_project.as_of import settle_as_of
from dagster_project.assets.freshness import built_by_now
from dagster_project.assets.shown import OPS, counts_by, docs, entity_schema, link, table
from dagster_project.assets.steps import step, unchanged
from dagster_project.config import Config, Source
from dagster_project.entities import ENTITIES
from dagster_project.erasure.erase import came_back, extend
from dagster_project.erasure.scrub import finish_erasures
from dagster_project.session import Session
from dagster_project.sources.erased_list import read_suppression
from dagster_project.sources.identifiers import normalise_identifiers
from dagster_project.sources.ingest import ingest_source
from dagster_project.sources.report import FINDINGS, Finding, LoadRefused, LoadReport
from dagster_project.warehouse.checks import CheckResult, record_checks, start_checks
from dagster_project.warehouse.published import open_published
from dagster_project.warehouse.working import open_working

_SOURCES_NOW = """
    CREATE OR REPLACE TABLE quality.sources AS
    SELECT
        s.source, s.kind, s.lead_grain, s.mode, s.data_through, s.is_stale,
        coalesce(sum(l.loaded), 0)::BIGINT AS loaded
    FROM raw.sources AS s LEFT JOIN quality.load_log AS l ON s.source = l.source
    GROUP BY s.source, s.kind, s.lead_grain, s.mode, s.data_through, s.is_stale
    ORDER BY min(s.position)
"""

RAW_TABLES = (*ENTITIES, "identifiers", "sources")


_OTHER_TABLES = {
    "identifiers": "One row per raw email or phone text: normalised, valid or not.",
    "sources": "One row per source of the configuration: how it is read, until when it is known.",
}


def source_assets(config: Config) -> list[AssetsDefinition]:
    """One asset a source of the configuration."""
    return [_source_asset(config, source) for source in config.sources]


def _step_of(source: Source) -> str:
    return f"source {source.name}"


def _source_asset(config: Config, source: Source) -> AssetsDefinition:
    @asset(
        key=["source", source.slug],
        group_name="sources",
        kinds={source.kind},
        owners=OPS,
        tags={"leadhouse/layer": "source"},
        description=f"Files of `{source.name}`, every row loaded, quarantined or counted as a duplicate.",
        metadata={
            "mode": source.mode,
            "timezone": source.timezone,
            "what was loaded": link("loaded"),
            "how it is read": docs("mapping.md"),
        },
        check_specs=[
            AssetCheckSpec(name, asset=["source", source.slug], description=words) for name, words in FINDINGS.items()
        ],
        freshness_policy=built_by_now(config),
        required_resource_keys={"session"},
    )
    def load(context: AssetExecutionContext) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        with step(context, _step_of(source)) as session:
            if session.is_unchanged:
                yield from unchanged(context)
                yield from _finding_checks(_served_findings(session, source))
                return
            session.progress.step(f"reading {source.name}")
            report = load_source(session, source)
            for line in report.lines():
                session.progress.say(line)
            session.warn(report.warnings)
            session.arrivals += _as_checks(report.findings, session)
        yield MaterializeResult(metadata=_shown(report))
        yield from _finding_checks(report.findings)

    return load


def _shown(report: LoadReport) -> dict[str, Any]:
    """The load in figures: of each file what became of its rows."""
    figures = report.metadata()
    files = [
        {
            "file": file.file,
            "entity": file.entity,
            "status": file.status,
            "rows": file.rows,
            "loaded": file.loaded,
            "quarantined": file.quarantined,
        }
        for file in report.files
    ]
    return {"dagster/row_count": figures["loaded"], **figures, "by file": table(files)}


def load_source(session: Session, source: Source) -> LoadReport:
    """Load one source for a build. A refused load tells its warnings too: what to mend is then known at once."""
    with open_working(session.config) as connection:
        try:
            report = ingest_source(
                connection,
                session.config,
                source,
                load_id=session.build_id,
                clock=session.started_at,
                accept_shrink=session.options.accept_shrink,
                strict=session.options.strict,
                progress=lambda file, rows: session.progress.detail(f"reading {file}: {rows:,} rows"),
            )
        except LoadRefused as refused:
            session.warn(refused.warnings)
            raise
    session.met |= report.met
    return report


def _keep_out(session: Session) -> None:
    """Load again, for as long as erased people turn up under ids that the list does not have yet."""
    while extend(session.config, session.met):
        session.progress.say("erased people came under new ids: they are taken out as well")
        finish_erasures(session.config)
        for source in session.config.sources:
            load_source(session, source)


def _tell_came_back(connection: duckdb.DuckDBPyConnection, session: Session) -> None:
    findings = [
        Finding(
            "erased_person_came_back",
            f"erasure {token}",
            f"{number:,} inquiries are later than it; if they came back of their own accord:"
            f" leadhouse erase --lift {token}",
        )
        for token, number in came_back(connection, read_suppression(session.config)).items()
    ]
    session.warn(str(finding) for finding in findings)
    session.arrivals += _as_checks(findings, session)


def _served_findings(session: Session, source: Source) -> list[Finding]:
    """What was found of a source at the served build: the same files, the same findings."""
    with open_published(session.config.warehouse_path) as connection:
        rows = connection.execute(
            "SELECT check_name, subject, observed FROM quality.check_results"
            " WHERE list_contains(?, check_name) AND (subject = ? OR starts_with(subject, ?)) ORDER BY ALL",
            [list(FINDINGS), source.name, f"{source.name}/"],
        ).fetchall()
    return [Finding(*row) for row in rows]


def _finding_checks(all_found: Iterable[Finding]) -> list[AssetCheckResult]:
    """Each kind of finding as a check of the source, passed where nothing was found."""
    told = list(all_found)
    found = {name: [finding for finding in told if finding.check == name] for name in FINDINGS}
    return [
        AssetCheckResult(
            check_name=name,
            passed=not findings,
            severity=AssetCheckSeverity.WARN,
            description="; ".join(str(finding) for finding in findings[:3]) or None,
            metadata={"findings": len(findings)},
        )
        for name, findings in found.items()
    ]


def _as_checks(findings: Iterable[Finding], session: Session) -> list[CheckResult]:
    """One result per check and subject, however often it was found there."""
    by_place: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        by_place.setdefault((finding.check, finding.subject), []).append(finding.message)
    return [_as_check(check, subject, messages, session) for (check, subject), messages in by_place.items()]


def _as_check(check: str, subject: str, messages: list[str], session: Session) -> CheckResult:
    return CheckResult(
        check_name=check,
        subject=subject,
        layer="arrival",
        severity="warning",
        status="failed",
        observed="; ".join(messages),
        offenders=(subject,),
        expected="no such finding",
        owner="ops",
        why="Something in the files is not as the configuration says; figures may miss it.",
        what_to_do="mend the file or its mapping, or accept it",
        checked_at=session.started_at,
    )


def raw_tables(config: Config) -> AssetsDefinition:
    """The raw tables, complete once every source has loaded: identifiers normalised, `as_of` settled."""

    @multi_asset(
        name="raw_tables",
        group_name="raw",
        specs=[
            AssetSpec(
                ["raw", name],
                deps=[AssetKey(["source", source.slug]) for source in config.sources],
                description=ENTITIES[name].description if name in ENTITIES else _OTHER_TABLES[name],
                kinds={"duckdb"},
                owners=OPS,
                tags={"leadhouse/layer": "raw"},
                metadata=entity_schema(name),
            )
            for name in RAW_TABLES
        ],
        required_resource_keys={"session"},
    )
    def complete(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        with step(context, "raw tables", *map(_step_of, config.sources)) as session:
            if session.is_unchanged:
                yield from unchanged(context)
                return
            _keep_out(session)
            with open_working(session.config) as connection:
                normalise_identifiers(connection, session.config.brokerage.country)
                _tell_came_back(connection, session)
                start_checks(connection)
                settle_as_of(connection, session)
                record_checks(connection, session.arrivals)
                connection.execute(_SOURCES_NOW)
                shown = {name: _counted(connection, name) for name in RAW_TABLES}
        for name in RAW_TABLES:
            yield MaterializeResult(asset_key=AssetKey(["raw", name]), metadata=shown[name])

    return complete


def _counted(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    rows = connection.execute(f"SELECT count(*) FROM raw.{name}").fetchall()[0][0]
    by = {"identifiers": "kind", "sources": "mode"}.get(name, "_source")
    return {"dagster/row_count": rows, f"by {by.lstrip('_')}": counts_by(connection, f"raw.{name}", by)}
