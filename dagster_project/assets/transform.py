"""dbt as assets: every model an asset, every dbt test an asset check, run once a build."""

import io
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, Output
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
from packaging.version import Version

from dagster_project.assets.shown import row_counts
from dagster_project.assets.steps import step, unchanged
from dagster_project.dbt_project import DBT_DIR, dbt_environment, dbt_vars
from dagster_project.disk import disk_trouble, full_disk
from dagster_project.errors import CriticalProblem, EngineProblem
from dagster_project.importing import many_imports
from dagster_project.manifest import DBT, child_environment, project_fingerprint
from dagster_project.session import Session
from dagster_project.warehouse.checks import read_artifact, record_dbt_tests
from dagster_project.warehouse.memory import remember, remembered
from dagster_project.warehouse.values import forget_values
from dagster_project.warehouse.working import open_working

_ANALYST, _OPS = "analyst", "ops"
_OWNERS = {"seeds": _OPS}
"""Who looks after a layer, where a model's `meta.owner` names nobody."""


class Translator(DagsterDbtTranslator):
    """Assets are grouped by the layer their model lies in, and described and owned as the model says."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The folder under `models/`, or `seeds`."""
        path = dbt_resource_props["fqn"]
        return path[1] if dbt_resource_props["resource_type"] == "model" else "seeds"

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own words; its SQL is in the repository."""
        return str(dbt_resource_props["description"]) or f"dbt {dbt_resource_props['resource_type']}"

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """The team of `meta.owner`, or of the layer."""
        if dbt_resource_props["resource_type"] == "source":
            return None
        meta = (dbt_resource_props.get("config") or {}).get("meta") or {}
        owner = meta.get("owner") or _OWNERS.get(str(self.get_group_name(dbt_resource_props)), _ANALYST)
        return [f"team:{owner}"]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """The layer."""
        if dbt_resource_props["resource_type"] == "source":
            return {}
        return {"leadhouse/layer": str(self.get_group_name(dbt_resource_props))}


class Dbt(DbtCliResource):
    """dbt as a child of the build. What Dagster asks dbt for before each run, it is told instead: that takes 6 s."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        return None  # it would only count rows


def dbt_resource() -> DbtCliResource:
    """How the project's dbt is called."""
    return Dbt(
        project_dir=str(DBT_DIR),
        profiles_dir=str(DBT_DIR),
        dbt_executable=sys.executable,
        global_config_flags=[*DBT, "--no-use-colors", "--log-level-file", "info"],
    )


def models(manifest: Path) -> AssetsDefinition:
    """All dbt models, seeds and tests of the project."""

    @dbt_assets(
        manifest=manifest,
        name="dbt",
        dagster_dbt_translator=Translator(),
        exclude="resource_type:unit_test",  # they test the code, not the data: `make test` runs them
        required_resource_keys={"session", "dbt"},
    )
    def build(context: AssetExecutionContext) -> Iterator[Any]:
        with step(context, "models", "raw tables") as session:
            if session.is_unchanged:
                yield from unchanged(context)
                return
            yield from _run(context, session)

    return build


def _run(context: AssetExecutionContext, session: Session) -> Iterator[Any]:
    config, seeds = session.config, session.config.work_dir / "seeds"
    facts = project_fingerprint(config, seeds)
    with open_working(config) as connection:
        # Incremental facts know when a person's rows changed, not when the rules did.
        refresh = session.options.full_refresh or remembered(connection, "facts") != facts
        remember(connection, "facts", "")
    session.progress.step("computing people, leads, answers and figures")
    os.environ.update(dbt_environment(config, session.as_of) | child_environment(config.dbt_lock_path))
    arguments = ["build", "--vars", json.dumps(dbt_vars(config)), *(["--full-refresh"] if refresh else [])]
    target = config.work_dir / "dbt"
    results = target / "run_results.json"
    results.unlink(missing_ok=True)  # those of an earlier run must not pass for this one's
    invocation = context.resources.dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
    threading.Thread(target=_import_validator, daemon=True).start()
    output = io.StringIO()  # nobody reads it where dbt could write its own log
    with redirect_stdout(output):
        events = list(invocation.stream())  # told at the end: rows can be counted when dbt has let go of the database
    succeeded = invocation.is_successful()
    if not read_artifact(results):
        (target / "manifest.json").unlink(missing_ok=True)  # the next build trusts nothing here, and parses again
        raise _died(invocation.process.returncode, target, output.getvalue())
    with open_working(config) as connection:
        failed = record_dbt_tests(connection, target, session.started_at)
        if succeeded and not context.is_subset:
            remember(connection, "facts", facts)
        counts = row_counts(connection)
    yield from (_counted(context, event, counts) for event in events)
    if not succeeded:
        forget_values(target)
        lines = failed.tests + failed.errors or [f"dbt: the build failed; its log is {target / 'dbt.log'}"]
        trouble = disk_trouble(" ".join(failed.errors), config.work_dir)
        # A test that fails found rows. Anything else may be the database itself.
        raise CriticalProblem(trouble or lines) if trouble or not failed.errors else EngineProblem(lines)


def _import_validator() -> None:
    """Great Expectations takes seconds to import: here they pass while dbt, in a process of its own, computes."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with many_imports():
        import great_expectations  # noqa: F401


def _counted(context: AssetExecutionContext, event: Any, counts: Mapping[str, int]) -> Any:
    """An event of dbt, with the rows of its table where it is one."""
    if not isinstance(event, Output):
        return event
    rows = counts.get(".".join(context.asset_key_for_output(event.output_name).path))
    return event if rows is None else event.with_metadata({**event.metadata, "dagster/row_count": rows})


def _died(code: int, target: Path, output: str) -> CriticalProblem:
    """Why dbt left no results: what it said last, or no longer could."""
    log = target / "dbt.log"
    logged = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    trouble = disk_trouble(output[-4000:] + logged[-4000:], target) or full_disk(target)
    if trouble:
        return CriticalProblem(trouble)
    how = f"was killed by signal {-code}, perhaps for want of memory" if code < 0 else f"ended with {code}"
    return EngineProblem(f"dbt: {how} before it had results; its log is {log}")
