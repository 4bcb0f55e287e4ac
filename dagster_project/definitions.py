"""The assets of one brokerage, assembled. The command and the scheduler run the same ones."""

from __future__ import annotations

from dagster import Definitions, ResourceDefinition, colored_console_logger, in_process_executor

from dagster_project.assets.expectations import CHECK_RESULTS, check_results, expectation_checks
from dagster_project.assets.ingest import raw_tables, source_assets
from dagster_project.assets.publish import published_warehouse
from dagster_project.assets.transform import dbt_resource, models
from dagster_project.automation import build_job, schedules, sensors
from dagster_project.config import Config, find_config, load_config
from dagster_project.manifest import graph_manifest, prepared_manifest
from dagster_project.scheduled import scheduled_session
from dagster_project.session import Session


def build_definitions(config: Config, session: Session | None = None) -> Definitions:
    """Everything Dagster knows of a brokerage; for one build asked for by the command, with its session."""
    dbt_models = models(prepared_manifest(config) if session else graph_manifest(config))
    marts = sorted(key for key in dbt_models.keys if key.path[0] == "marts")
    job = build_job(config)
    return Definitions(
        assets=[
            *source_assets(config),
            raw_tables(config),
            dbt_models,
            check_results(marts),
            published_warehouse(config, [CHECK_RESULTS]),  # which needs all that is published: one arrow, not thirty
        ],
        asset_checks=[expectation_checks()],
        resources={
            "session": ResourceDefinition.hardcoded_resource(session) if session else scheduled_session(config),
            "dbt": dbt_resource(),
        },
        jobs=[job],
        schedules=[] if session else schedules(config, job),
        sensors=[] if session else sensors(config, job),
        # Dagster tells every event of a run; the terminal of `leadhouse ops` needs what went wrong.
        loggers={} if session else {"console": colored_console_logger.configured({"log_level": "ERROR"})},
        executor=in_process_executor,  # DuckDB has one writer
    )


def __getattr__(name: str) -> Definitions:
    # Read when Dagster asks for it: importing this module must not need a configuration.
    if name == "defs":
        return build_definitions(load_config(find_config()))
    raise AttributeError(name)
