"""dbt as assets: every model an asset, every dbt test an asset check, run once a build."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from dagster_project.config import Config
from dagster_project.dbt_project import DBT_DIR, dbt_environment, dbt_vars, fingerprint_of, prepare_seeds, project_files
from dagster_project.errors import CriticalProblem, LeadhouseError
from dagster_project.session import Session
from dagster_project.warehouse.checks import record_dbt_tests
from dagster_project.warehouse.memory import remember, remembered
from dagster_project.warehouse.working import open_working

DBT_EXECUTABLE = Path(sys.executable).with_name("dbt")


class Translator(DagsterDbtTranslator):
    """Assets are grouped by the layer their model lies in."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The folder under `models/`, or `seeds`."""
        path = dbt_resource_props["fqn"]
        return path[1] if dbt_resource_props["resource_type"] == "model" else "seeds"


def dbt_resource() -> DbtCliResource:
    """How the project's dbt is called."""
    return DbtCliResource(
        project_dir=str(DBT_DIR),
        profiles_dir=str(DBT_DIR),
        dbt_executable=str(DBT_EXECUTABLE),
        global_config_flags=["--no-use-colors"],
    )


def prepared_manifest(config: Config) -> Path:
    """dbt's manifest for this configuration; parsed again only when the project, its seeds or its variables changed.

    Raises CriticalProblem with dbt's own words where the project does not parse.
    """
    seeds = prepare_seeds(config)
    target = config.work_dir / "dbt"
    manifest, mark = target / "manifest.json", target / "parsed"
    wanted = _project_fingerprint(config, seeds)
    if manifest.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return manifest
    done = subprocess.run(  # noqa: S603 - our own dbt
        [str(DBT_EXECUTABLE), "--quiet", "parse", "--no-use-colors", "--vars", json.dumps(dbt_vars(config))],
        cwd=DBT_DIR,
        env={**os.environ, **dbt_environment(config), **_dbt_paths(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CriticalProblem(f"dbt: the project does not parse: {' '.join((done.stdout + done.stderr).split())}")
    mark.write_text(wanted, encoding="utf-8")
    return manifest


def _dbt_paths(target: Path) -> dict[str, str]:
    return {"DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(target), "DBT_PROFILES_DIR": str(DBT_DIR)}


def _project_fingerprint(config: Config, seeds: Path) -> str:
    return fingerprint_of([*project_files(), *seeds.glob("*.csv")], json.dumps(dbt_vars(config), sort_keys=True))


def models(config: Config) -> AssetsDefinition:
    """All dbt models, seeds and tests of the project."""

    @dbt_assets(
        manifest=prepared_manifest(config),
        name="dbt",
        dagster_dbt_translator=Translator(),
        exclude="resource_type:unit_test",  # they test the code, not the data: `make test` runs them
        required_resource_keys={"session", "dbt"},
    )
    def build(context: AssetExecutionContext) -> Iterator[Any]:
        session: Session = context.resources.session
        try:
            yield from _run(context, session)
        except LeadhouseError as problem:
            raise session.fail(problem) from None

    return build


def _run(context: AssetExecutionContext, session: Session) -> Iterator[Any]:
    config, seeds = session.config, session.config.work_dir / "seeds"
    facts = _project_fingerprint(config, seeds)
    with open_working(config) as connection:
        # Incremental facts know when a person's rows changed, not when the rules did.
        refresh = session.options.full_refresh or remembered(connection, "facts") != facts
        remember(connection, "facts", "")
    session.progress.step("computing people, leads, answers and figures")
    os.environ.update(dbt_environment(config, session.as_of))
    arguments = ["build", "--vars", json.dumps(dbt_vars(config)), *(["--full-refresh"] if refresh else [])]
    invocation = context.resources.dbt.cli(
        arguments, context=context, target_path=config.work_dir / "dbt", raise_on_error=False
    )
    with redirect_stdout(io.StringIO()):  # dbt's own log file has every line
        yield from invocation.stream()
    succeeded = invocation.is_successful()
    with open_working(config) as connection:
        failures = record_dbt_tests(connection, config.work_dir / "dbt", session.started_at)
        if succeeded:
            remember(connection, "facts", facts)
    if not succeeded:
        raise CriticalProblem(failures or [f"dbt: the build failed; its log is {config.work_dir / 'dbt' / 'dbt.log'}"])
