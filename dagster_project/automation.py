"""What starts builds by itself under `leadhouse ops`: the daily hour, what is overdue, new files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    define_asset_job,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import RETRY_STRATEGY_TAG

from dagster_project.config import Config
from dagster_project.inputs import source_files

SETTLED_AFTER = timedelta(seconds=10)
"""A file that was touched less long ago may still be growing."""


def build_job(config: Config) -> UnresolvedAssetJobDefinition:
    """`build`: every asset, as `leadhouse build` runs them. A retry begins at the start: its session is a new one."""
    return define_asset_job(
        "build",
        selection=AssetSelection.all(),
        description="Read every source, compute, check, and publish when nothing critical is wrong.",
        tags={"leadhouse/brokerage": config.brokerage.name, RETRY_STRATEGY_TAG: "ALL_STEPS"},
    )


def schedules(config: Config, job: UnresolvedAssetJobDefinition) -> list[ScheduleDefinition]:
    """`daily` at the brokerage's hour and, where it is asked for, `overdue` every few minutes of the opening hours."""
    found = []
    zone, daily_at = config.brokerage.timezone, config.schedule.daily_at
    if daily_at is not None:
        hour, minute = divmod(daily_at, 60)
        found.append(
            ScheduleDefinition(
                name="daily",
                job=job,
                cron_schedule=f"{minute} {hour} * * *",
                execution_timezone=zone,
                tags={"leadhouse/trigger": "schedule"},
                description=f"Every day at {hour:02d}:{minute:02d} in {zone}, whatever the clocks do that night.",
                default_status=DefaultScheduleStatus.RUNNING,
            )
        )
    every = config.schedule.overdue_every_minutes
    if every is not None:

        def overdue(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
            if not config.is_open_at(context.scheduled_execution_time):
                return SkipReason("outside the opening hours: nobody is due to answer")
            return RunRequest()

        found.append(
            ScheduleDefinition(
                name="overdue",
                job=job,
                cron_schedule=f"*/{every} * * * *" if every < 60 else "0 * * * *",
                execution_timezone=zone,
                execution_fn=overdue,
                tags={"leadhouse/trigger": "schedule"},
                description=f"Every {every} minutes of the opening hours: what is overdue, as fresh as the sources.",
                default_status=DefaultScheduleStatus.RUNNING,
            )
        )
    return found


def sensors(config: Config, job: UnresolvedAssetJobDefinition) -> list[SensorDefinition]:
    """`new_files`: a build whenever the files of a source are others than before, once none of them grows any more."""
    if not config.schedule.new_files:
        return []

    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        before = _Seen.read(context.cursor)
        files = look(config)
        if files.absent:
            return SkipReason(f"no folder of {', '.join(files.absent)}: waiting for it to come back")
        if files.digest == before.digest:
            return SkipReason("no new files")
        if files.unsettled:
            return SkipReason(f"{files.unsettled} files changed less than {SETTLED_AFTER.seconds} s ago: waiting")
        now = _Seen(files.digest, before.fired + 1)
        # The number tells a state that came back (a file taken away and put back) from one that was asked for twice.
        request = RunRequest(run_key=f"{now.fired}-{now.digest}", tags={"leadhouse/trigger": "sensor"})
        return SensorResult([request], cursor=now.written())

    return [
        SensorDefinition(
            name="new_files",
            evaluation_fn=evaluate,
            job=job,
            minimum_interval_seconds=config.schedule.new_files_every_seconds,
            description="A build when files of a source are new, changed or gone; a file that is being written waits.",
            default_status=DefaultSensorStatus.RUNNING,
        )
    ]


@dataclass(frozen=True)
class Files:
    """What lies in the sources' folders: a digest of names, sizes and times. `absent`: folders that are not there."""

    digest: str
    absent: tuple[str, ...]
    unsettled: int


def look(config: Config) -> Files:
    """The files of every source as they are now, without reading one. Hidden ones are unfinished, and left out."""
    digest, unsettled, now = hashlib.sha256(), 0, datetime.now(UTC).timestamp()
    absent = tuple(source.name for source in config.sources if not source.path.is_dir())
    for source in config.sources:
        for path in sorted(source_files(config, source)) if source.name not in absent else ():
            name = path.relative_to(source.path)
            if any(part.startswith(".") for part in name.parts):
                continue
            try:
                found = path.stat()
            except OSError:
                continue  # gone since it was listed: the next look sees that
            digest.update(
                f"{source.name}/{name.as_posix()}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="replace")
            )
            # The second time no program can set: `cp -p` gives a growing copy the old file's first one.
            age = now - max(found.st_mtime, found.st_ctime) if found.st_mtime <= now else now - found.st_ctime
            unsettled += 0 <= age < SETTLED_AFTER.total_seconds()
    return Files(digest.hexdigest()[:16], absent, unsettled)


@dataclass(frozen=True)
class _Seen:
    """The sensor's cursor: the files for which a build was last asked for, and how often that has been."""

    digest: str = ""
    fired: int = 0

    @staticmethod
    def read(cursor: str | None) -> _Seen:
        return _Seen(**json.loads(cursor)) if cursor else _Seen()

    def written(self) -> str:
        return json.dumps({"digest": self.digest, "fired": self.fired})
