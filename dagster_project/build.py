"""One build from the command line: the same assets that the scheduler runs, under the same lock, in this process."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dagster_project import __version__
from dagster_project.config import Config
from dagster_project.dbt_project import PACKAGED_SEEDS, ROOT, fingerprint_of, project_files
from dagster_project.erasure.scrub import finish_erasures
from dagster_project.errors import ConfigError, CriticalProblem, LeadhouseError
from dagster_project.instants import Unreadable, parse_instant
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions, Session, record_outcome
from dagster_project.sources.suppression import read_suppression
from dagster_project.warehouse.published import keep_history, served_build
from dagster_project.warehouse.refused import forget_refused
from dagster_project.warehouse.working import BuildLock, open_working

if TYPE_CHECKING:
    from dagster import DagsterEvent

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster tells every event of a run; the command tells what a person needs, and where it failed, why."""


def run_build(config: Config, options: BuildOptions) -> Session:
    """Ingest, dbt, checks, publish, telling each step as it goes.

    Problems end up in the session's `problems`, and in `last_build.json`; the last good warehouse stands. Raises
    ConfigError, before anything is touched, for an `as_of` before the served one without `--out`, and where a newer
    version wrote the served one, without `--full-refresh`.
    """
    if options.out is not None and options.out.resolve() == config.warehouse_path.resolve():
        options = replace(options, out=None)  # another name of the served file is the served file
    _refuse_folder(options.out or config.warehouse_path)
    _refuse_going_back(config, options)
    _refuse_newer(config, options)
    with Progress() as progress, BuildLock(config, say=progress.say):
        _discard_damaged(config, progress)
        session = Session(config, options, progress=progress)
        try:
            if finish_erasures(config):
                progress.say("people on the list of erasures were taken out of what is kept")
            keep_history(config.warehouse_path, config.history_dir)
            session.inputs = inputs_fingerprint(config, options)
            if _is_served_already(config, options, session.inputs):
                forget_refused(config.refused_dir, [])  # the files are those that were loaded: no refusal stands
                progress.say("nothing new: files, configuration and as_of are those of the served figures")
            else:
                _execute(session)
        except LeadhouseError as problem:
            session.fail(problem)
        except (OSError, duckdb.Error) as error:
            session.fail(CriticalProblem(f"{type(error).__name__}: {' '.join(str(error).split())}"))
        for line in session.messages():
            progress.say(f"error: {line}")
        if session.problems:
            progress.say("nothing was published; the last good figures, if any, are still served")
        record_outcome(session)
    return session


def _refuse_folder(target: Path) -> None:
    if target.is_dir():
        raise ConfigError(f"{target}: found a folder, expected the path of a file such as leadhouse.duckdb")


def _discard_damaged(config: Config, progress: Progress) -> None:
    """A working database that does not open is put aside: everything in it can be rebuilt."""
    try:
        with open_working(config, progress.say):
            return
    except duckdb.Error:
        aside = config.working_path.with_suffix(".damaged")
        config.working_path.replace(aside)
        config.working_path.with_name(config.working_path.name + ".wal").unlink(missing_ok=True)
        progress.say(f"warning: the working database does not open; kept as {aside.name}, everything is read again")


def _refuse_going_back(config: Config, options: BuildOptions) -> None:
    served = served_build(config.warehouse_path)
    if served is None or options.as_of is None or options.out is not None:
        return
    if options.as_of < served["as_of"]:
        raise ConfigError(
            f"--as-of: found {options.as_of.isoformat()}, expected a moment not before the served figures"
            f" ({served['as_of'].isoformat()}), or --out FILE to write these elsewhere"
        )


def _refuse_newer(config: Config, options: BuildOptions) -> None:
    """Figures of a newer version are not replaced by those of an older one, unless that is asked for."""
    served = served_build(config.warehouse_path)
    if served is None or options.out is not None or options.full_refresh:
        return
    version = str(served.get("version", ""))
    if _release(version) > _release(__version__):
        raise ConfigError(
            f"{config.warehouse_path}: written by Leadhouse {version}, this is {__version__}; install that version, or"
            " replace its figures by those of this one: leadhouse build --full-refresh"
        )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def inputs_fingerprint(config: Config, options: BuildOptions) -> str:
    """A hash of everything a build is a function of: the files, the configuration, the code, `as_of`."""
    folders = (config.work_dir, config.raw_dir, config.refused_dir, config.history_dir, config.erasure_dir)
    ours = (*folders, config.last_build_path, config.warehouse_path, config.state_path)
    files = [
        path
        for source in config.sources
        for path in source.path.rglob("*")
        if path.is_file() and not any(path.is_relative_to(own) for own in ours)
    ]
    code = [*project_files(), *PACKAGED_SEEDS.glob("*.csv"), *(ROOT / "expectations").glob("*.yml")]
    code += (ROOT / "dagster_project").rglob("*.py")
    own_seeds = list(config.seeds_path.glob("*.csv")) if config.seeds_path else []
    return fingerprint_of(
        [*files, *code, *own_seeds],
        *(str(path) for path in sorted(files)),
        config.model_dump_json(),
        json.dumps([str(options.as_of), options.strict, __version__]),
        read_suppression(config).digest,
    )


def _is_served_already(config: Config, options: BuildOptions, inputs: str) -> bool:
    if options.out is not None or options.full_refresh:
        return False
    served = served_build(config.warehouse_path)
    return served is not None and served.get("inputs") == inputs and not _waits_for_the_clock(config)


def _waits_for_the_clock(config: Config) -> bool:
    """Rows dated after the clock make the default `as_of` move by itself: the same inputs are not the same build."""
    with open_working(config) as connection:
        row = connection.execute(
            """
            SELECT count(*)
            FROM (
                SELECT greatest(event_at, received_at) AS moment FROM raw.inquiries
                UNION ALL
                SELECT occurred_at FROM raw.touches
            )
            WHERE moment > (SELECT max(loaded_at) FROM quality.load_log)
            """
        ).fetchone()
    return bool(row and row[0])


def _execute(session: Session) -> None:
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    # GX takes 6 s to import, dbt works in a process of its own: let the one happen during the other.
    threading.Thread(target=_warm_up, daemon=True).start()
    from dagster import DagsterInstance

    from dagster_project.definitions import build_definitions

    session.progress.step("starting")
    session.warn(session.config.warnings)
    definitions = build_definitions(session.config, session)
    job = definitions.resolve_implicit_global_asset_job_def()
    with (
        tempfile.TemporaryDirectory() as home,
        DagsterInstance.local_temp(home, overrides={"telemetry": {"enabled": False}}) as instance,
    ):
        result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=_QUIET)
    if not result.success and not session.problems:
        raise CriticalProblem(_unexplained(result.all_events))
    if not session.problems:
        session.progress.say(f"published {session.target.name}: figures as of {session.as_of:%Y-%m-%d %H:%M} UTC")


def _warm_up() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations  # noqa: F401


def _unexplained(events: Sequence[DagsterEvent]) -> list[str]:
    """What Dagster says of a failure that none of our own errors explains."""
    lines = []
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            lines.append(f"{event.step_key}: {' '.join((error.message if error else '').split())}")
    return lines or ["the build failed without saying why; run it again, and report it if it does"]


def parse_moment(text: str, config: Config) -> datetime:
    """An ISO instant as UTC; without an offset it is local to the brokerage. Raises ConfigError."""
    try:
        return parse_instant(text, config.zone)[0]
    except Unreadable as problem:
        raise ConfigError(f'--as-of: found "{text}", expected {problem}') from None
