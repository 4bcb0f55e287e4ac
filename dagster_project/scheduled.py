"""A build that Dagster starts: the same as the command's, under the same lock, told in the run's own log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster import DagsterInstance, InitResourceContext, ResourceDefinition, RunsFilter, resource
from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.tags import RETRY_ON_ASSET_OR_OP_FAILURE_TAG

from dagster_project.alerts.conclude import conclude
from dagster_project.config import Config
from dagster_project.errors import BrokerageBusy, EngineProblem, LeadhouseError
from dagster_project.inputs import settle_inputs
from dagster_project.manifest import prepared_manifest
from dagster_project.preparation import begin_session, held_brokerage, set_aside_damage
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions, Session, Trigger

BROKERAGE_TAG, TRIGGER_TAG, BUILD_TAG = "leadhouse/brokerage", "leadhouse/trigger", "leadhouse/build_id"

KEPT_RUNS = timedelta(days=60)
"""How long Dagster remembers a run and what it logged. What came of every attempt is in `state.sqlite` for longer."""

_FORGOTTEN_AT_ONCE = 200
"""So that no build waits for it."""


class RunProgress(Progress):
    """What a build tells, as lines of the run's log."""

    def __init__(self, context: InitResourceContext) -> None:
        super().__init__()
        self._log = context.log

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._log is None:
            super().say(line)
        elif line.startswith("warning: "):
            self._log.warning(line.removeprefix("warning: "))
        elif line.startswith("error: "):
            self._log.error(line.removeprefix("error: "))
        else:
            self._log.info(line)


def scheduled_session(config: Config) -> ResourceDefinition:
    """The session of each run. Where the brokerage cannot be held, its first step says why."""

    @resource(description="A build of its own for each run, under the brokerage's lock.")
    def session(context: InitResourceContext) -> Iterator[Session]:
        run = _Run(context, config)
        options, progress = BuildOptions(), RunProgress(context)
        with ExitStack() as held:
            try:
                held.enter_context(held_brokerage(config, options, progress))
            except LeadhouseError as problem:
                refused = Session(config, options, run.trigger, progress=progress, is_ready=False)
                refused.fail(problem)
                run.tag(refused, retry=isinstance(problem, BrokerageBusy))
                yield refused
                tell_problems(refused)
                return
            running = begin_session(config, options, progress, run.trigger)
            run.tag(running)
            if not running.problems:
                with suppress(LeadhouseError), running.watched():
                    prepared_manifest(config)
                    settle_inputs(running)
            running.is_ready = not running.problems
            try:
                yield running
            finally:
                run.end(running)

    return session


def tell_problems(session: Session) -> None:
    """The last lines of a run that failed: what the command would have said, without Dagster's stack of calls."""
    for line in session.messages():
        session.progress.say(f"error: {line}")


class _Run:
    """Dagster's run around a build: its tags, and what follows it."""

    def __init__(self, context: InitResourceContext, config: Config) -> None:
        if context.run is None or context.instance is None:
            raise RuntimeError("a build of the scheduler needs a run to belong to")
        self._run, self._instance, self._config = context.run, context.instance, config

    @property
    def trigger(self) -> Trigger:
        """What launched the run; by hand where nothing else says so."""
        tags = self._run.tags
        if "dagster/schedule_name" in tags:
            return "schedule"
        return "sensor" if "dagster/sensor_name" in tags else "ops"

    def tag(self, session: Session, *, retry: bool = False) -> None:
        """Say whose build it is. `retry`: whether Dagster tries again should it fail; a dead worker it always does."""
        tags = {
            BROKERAGE_TAG: self._config.brokerage.name,
            TRIGGER_TAG: session.trigger,
            BUILD_TAG: session.build_id,
            RETRY_ON_ASSET_OR_OP_FAILURE_TAG: str(retry).lower(),
        }
        self._instance.add_run_tags(self._run.run_id, tags)

    def end(self, session: Session) -> None:
        """What the command does after a build, too; and no more is kept than is looked at."""
        if not session.is_published and any(isinstance(problem, EngineProblem) for problem in session.problems):
            with suppress(LeadhouseError), session.watched():
                self.tag(session, retry=set_aside_damage(self._config, session.progress, inside=True))
        tell_problems(session)
        conclude(session)
        forget_old_runs(self._instance, datetime.now(UTC) - KEPT_RUNS)


def forget_old_runs(instance: DagsterInstance, before: datetime) -> int:
    """Delete runs that were created before a moment, with their logs; returns how many. The oldest go first."""
    records = instance.get_run_records(RunsFilter(created_before=before), limit=_FORGOTTEN_AT_ONCE, ascending=True)
    old = [record.dagster_run for record in records if record.dagster_run.is_finished]
    logs: ComputeLogManager = instance.compute_log_manager
    events = instance.event_log_storage
    for run in old:
        instance.delete_run(run.run_id)
        logs.delete_logs(prefix=[run.run_id])
        if isinstance(events, SqliteEventLogStorage):  # which empties the run's own file, and leaves it
            for suffix in ("", "-shm", "-wal"):
                Path(events.path_for_shard(run.run_id) + suffix).unlink(missing_ok=True)
    return len(old)
