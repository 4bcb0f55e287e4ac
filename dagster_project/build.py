"""One build from the command line: the same assets that the scheduler runs, under the same lock, in this process."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dagster_project import __version__
from dagster_project.alerts.conclude import conclude
from dagster_project.config import Config
from dagster_project.errors import ConfigError, CriticalProblem, EngineProblem, LeadhouseError
from dagster_project.importing import many_imports
from dagster_project.inputs import settle_inputs
from dagster_project.instants import Unreadable, parse_instant
from dagster_project.manifest import prepare_manifest
from dagster_project.preparation import begin_session, held_brokerage, set_aside_damage
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions, Session
from dagster_project.stopping import run_stoppable
from dagster_project.warehouse.published import served_build
from dagster_project.warehouse.working import open_working

if TYPE_CHECKING:
    from dagster import DagsterEvent

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster tells every event of a run; the command tells what a person needs, and where it failed, why."""


def run_build(config: Config, options: BuildOptions) -> Session:
    """Ingest, dbt, checks, publish, telling each step as it goes.

    Problems end up in the session's `problems`, and in `last_build.json`; the last good warehouse stands. Where the
    working database turns out to be damaged, it is put aside and the build runs once more. SIGTERM and Ctrl-C end the
    process with 143 and 130. Raises ConfigError, before anything is touched, for an `as_of` before the served one
    without `--out`, where a newer version wrote the served one, without `--full-refresh`, and for folders that cannot
    be written.
    """
    if options.out is not None and options.out.resolve() == config.warehouse_path.resolve():
        options = replace(options, out=None)  # another name of the served file is the served file
    progress, sessions = Progress(), list[Session]()
    return run_stoppable(
        lambda: _build(config, options, progress, sessions), lambda name: _stopped(name, progress, sessions)
    )


def _build(config: Config, options: BuildOptions, progress: Progress, sessions: list[Session]) -> Session:
    with progress, held_brokerage(config, options, progress):
        served = served_build(config.warehouse_path)
        if served is not None and options.out is None:
            _refuse_going_back(served, options)
            _refuse_newer(config, served, options)
        session = _attempt(config, options, progress, sessions)
        if _is_mended(session):
            session = _attempt(config, options, progress, sessions)
        for line in session.messages():
            progress.say(f"error: {line}")
        if session.problems and options.publish and not session.is_published:
            progress.say("nothing was published; the last good figures, if any, are still served")
        if not options.publish:
            progress.say(check_summary(session))
        conclude(session)
    return session


def _attempt(config: Config, options: BuildOptions, progress: Progress, sessions: list[Session]) -> Session:
    session = begin_session(config, options, progress)
    sessions.append(session)
    if session.problems:
        return session
    with suppress(LeadhouseError), session.watched():
        settle_inputs(session)
        if not session.is_unchanged:
            _execute(session)
    return session


def _is_mended(session: Session) -> bool:
    """Whether a failed build is worth a second attempt: what it worked on was damaged, and is put aside now."""
    if session.is_published or not any(isinstance(problem, EngineProblem) for problem in session.problems):
        return False
    try:
        return set_aside_damage(session.config, session.progress, inside=True)
    except LeadhouseError as problem:
        session.fail(problem)
        return False


def check_summary(session: Session) -> str:
    """One line of what `leadhouse check` found: how many checks there were, and how many failed."""
    if session.as_of is None:
        return "checks: none could be made, the sources were not all loaded; nothing was published"
    with open_working(session.config) as connection:
        made, critical, warnings = connection.execute(
            """
            SELECT
                count(*),
                count(*) FILTER (WHERE status = 'failed' AND severity = 'critical'),
                count(*) FILTER (WHERE status = 'failed' AND severity = 'warning')
            FROM quality.check_results
            """
        ).fetchall()[0]
    return (
        f"checks: {made:,} made, {made - critical - warnings:,} passed, {critical:,} critical failed,"
        f" {warnings:,} warnings; nothing was published"
    )


def _stopped(name: str, progress: Progress, sessions: list[Session]) -> None:
    """The last words of a build that is stopped by a signal; its process ends after them."""
    progress.__exit__(None, None, None)
    served = "the new figures" if sessions and sessions[-1].is_published else "the last good figures, if any,"
    line = f"stopped by {name} before the build had ended; {served} are served; run it again"
    progress.say(f"error: {line}")
    if sessions:
        sessions[-1].fail(CriticalProblem(line))
        conclude(sessions[-1], is_stopped=True)


def _refuse_going_back(served: Mapping[str, Any], options: BuildOptions) -> None:
    if options.as_of is not None and options.as_of < served["as_of"]:
        raise ConfigError(
            f"--as-of: found {options.as_of.isoformat()}, expected a moment not before the served figures"
            f" ({served['as_of'].isoformat()}), or --out FILE to write these elsewhere"
        )


def _refuse_newer(config: Config, served: Mapping[str, Any], options: BuildOptions) -> None:
    """Figures of a newer version are not replaced by those of an older one, unless that is asked for."""
    version = str(served.get("version", ""))
    if not options.full_refresh and _release(version) > _release(__version__):
        raise ConfigError(
            f"{config.warehouse_path}: written by Leadhouse {version}, this is {__version__}; install that version, or"
            " replace its figures by those of this one: leadhouse build --full-refresh"
        )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _execute(session: Session) -> None:
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    session.progress.step("starting")
    parsed = prepare_manifest(session.config)  # dbt reads the project while Dagster is imported
    with many_imports():
        from dagster import DagsterInstance

        from dagster_project.assets.publish import PUBLISHED, judge
        from dagster_project.definitions import build_definitions

    session.warn(session.config.warnings)
    parsed()
    definitions = build_definitions(session.config, session)
    job = definitions.resolve_implicit_global_asset_job_def()
    keys = definitions.resolve_asset_graph().materializable_asset_keys
    wanted = None if session.options.publish else sorted(keys - {PUBLISHED})
    home = session.config.work_dir / "dagster"  # a killed build leaves it; the next one sweeps it
    home.mkdir(parents=True, exist_ok=True)
    # Dagster's records of this run stay in memory: the scheduler keeps its own, and a full disk has one victim less.
    with DagsterInstance.ephemeral(tempdir=str(home), settings={"telemetry": {"enabled": False}}) as instance:
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config=_QUIET, asset_selection=wanted
        )
    shutil.rmtree(home, ignore_errors=True)
    if not result.success and not session.problems:
        raise EngineProblem(_unexplained(result.all_events))
    if not session.options.publish and not session.problems:
        judge(session)
    elif not session.problems:
        session.progress.say(f"published {session.target.name}: figures as of {session.as_of:%Y-%m-%d %H:%M} UTC")


def _unexplained(events: Sequence[DagsterEvent]) -> list[str]:
    """What Dagster says of a failure that none of our own errors explains."""
    lines = []
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            # Where it happened, not what was said: that may quote anybody's name.
            told = " in ".join([error.cls_name or "error", *error.stack[-1:]]) if error else "error"
            lines.append(f"{event.step_key}: {' '.join(told.split())}")
    return lines or ["the build failed without saying why; run it again, and report it if it does"]


def parse_moment(text: str, config: Config) -> datetime:
    """An ISO instant as UTC; without an offset it is local to the brokerage. Raises ConfigError."""
    try:
        return parse_instant(text, config.zone)[0]
    except Unreadable as problem:
        raise ConfigError(f'--as-of: found "{text}", expected {problem}') from None
