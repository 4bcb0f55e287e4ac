"""The assets of one brokerage, assembled. The command and the scheduler run the same ones."""

from __future__ import annotations

from collections.abc import Iterator

from dagster import Definitions, InitResourceContext, ResourceDefinition, in_process_executor, resource

from dagster_project.assets.expectations import CHECK_RESULTS, check_results, expectation_checks
from dagster_project.assets.ingest import raw_tables, source_assets
from dagster_project.assets.publish import published_warehouse
from dagster_project.assets.transform import dbt_resource, models
from dagster_project.config import Config, find_config, load_config
from dagster_project.preparation import begin_session, held_brokerage
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions, Session, record_outcome


def build_definitions(config: Config, session: Session | None = None) -> Definitions:
    """Everything Dagster knows of a brokerage; for one build asked for by the command, with its session."""
    dbt_models = models(config)
    marts = sorted(key for key in dbt_models.keys if key.path[0] == "marts")
    return Definitions(
        assets=[
            *source_assets(config),
            raw_tables(config),
            dbt_models,
            check_results(marts),
            published_warehouse([*marts, CHECK_RESULTS]),
        ],
        asset_checks=[expectation_checks()],
        resources={
            "session": ResourceDefinition.hardcoded_resource(session) if session else _scheduled_session(config),
            "dbt": dbt_resource(),
        },
        executor=in_process_executor,  # DuckDB has one writer
    )


def _scheduled_session(config: Config) -> ResourceDefinition:
    @resource(description="A build of its own for each run, under the brokerage's lock.")
    def session(_context: InitResourceContext) -> Iterator[Session]:
        options, progress = BuildOptions(), Progress()
        with held_brokerage(config, options, progress):
            running = begin_session(config, options, progress)
            if not running.problems:
                yield running
            record_outcome(running)
            if running.problems:
                raise running.problems[0]

    return session


def __getattr__(name: str) -> Definitions:
    # Read when Dagster asks for it: importing this module must not need a configuration.
    if name == "defs":
        return build_definitions(load_config(find_config()))
    raise AttributeError(name)
