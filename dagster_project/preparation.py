"""What a build makes sure of before it reads anything, whoever starts it: one at a time, on ground that holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from dagster_project.alerts.send import require_channels
from dagster_project.config import Config
from dagster_project.disk import require_writable
from dagster_project.errors import ConfigError, CriticalProblem, LeadhouseError
from dagster_project.progress import Progress
from dagster_project.session import BuildOptions, Session, Trigger
from dagster_project.warehouse.leftovers import sweep
from dagster_project.warehouse.published import examine, keep_history, served_build
from dagster_project.warehouse.raw import newest_moment
from dagster_project.warehouse.working import BuildLock, discard_damaged, open_working

_DATABASES = (".duckdb", ".db", "")


@contextmanager
def held_brokerage(config: Config, options: BuildOptions, progress: Progress) -> Iterator[None]:
    """Hold the brokerage for a build: no other one runs, and nothing a killed one left is in the way.

    Raises ConfigError, before anything is touched, where a folder cannot be written, the address of a channel cannot be
    used, or the place of the published file, or of `--out`, holds something else, such as an export; CriticalProblem
    where another build does not end.
    """
    require_channels(config)
    target = options.out or config.warehouse_path
    if target.is_dir():
        raise ConfigError(f"{target}: found a folder, expected the path of a file such as leadhouse.duckdb")
    ours = (config.warehouse_path.parent, config.work_dir, config.raw_dir, config.history_dir)
    require_writable([*ours, target.parent])
    state = examine(target)
    if state == "damaged" and (options.out is not None or target.suffix.casefold() not in _DATABASES):
        raise ConfigError(
            f"{target}: found a file that is no database of Leadhouse, expected none or one of ours; name another file"
        )
    if state == "foreign":
        raise ConfigError(
            f"{target}: found a database that no build of Leadhouse wrote, expected none or one of ours; move it away,"
            " or name another file"
        )
    with BuildLock(config, say=progress.say):
        sweep(config, target)
        yield


def begin_session(config: Config, options: BuildOptions, progress: Progress, trigger: Trigger = "command") -> Session:
    """A session dated after everything that is known. Hold the brokerage around it.

    A working database that does not open is put aside. Where the clock stands before the newest load or publish, the
    session is dated a microsecond after that, and says so: versions of files, history and the served file keep their
    order. Problems met here are the session's.
    """
    session = Session(config, options, trigger, progress=progress)
    with suppress(LeadhouseError), session.watched():
        set_aside_damage(config, progress, inside=False)
        newest = _newest_moment(config)
        if newest is not None and newest >= session.started_at:
            clock, session.started_at = session.started_at, newest + timedelta(microseconds=1)
            line = (
                f"the clock says {clock:%Y-%m-%d %H:%M:%S} UTC, but the last build was at {newest:%Y-%m-%d %H:%M:%S};"
                " this one is dated just after that, set the clock right"
            )
            session.warn([line])
        if options.out is None and options.publish:
            _keep_what_is_served(config, progress)
    return session


def set_aside_damage(config: Config, progress: Progress, *, inside: bool) -> bool:
    """Whether the working database was damaged, and put aside. Raises CriticalProblem for the disk's faults."""
    damage = discard_damaged(config, inside=inside, say=progress.say)
    if damage is None:
        return False
    found = "is damaged" if inside else "does not open"
    progress.say(f"warning: the working database {found}; kept as working.damaged, everything is read again")
    return True


def _newest_moment(config: Config) -> datetime | None:
    served = served_build(config.warehouse_path)
    moments = [served["built_at"] if served else None, newest_moment(config.raw_dir)]
    if config.working_path.exists():
        with open_working(config) as connection:
            moments += connection.execute("SELECT max(loaded_at) FROM quality.load_log").fetchall()[0]
    return max((moment.astimezone(UTC) for moment in moments if moment is not None), default=None)


def _keep_what_is_served(config: Config, progress: Progress) -> None:
    """Keep the served figures in history before anything replaces them, and say what is wrong with the served file.

    Raises CriticalProblem where it can neither be kept nor, knowing that, be replaced.
    """
    path = config.warehouse_path
    state = examine(path)
    if state == "newer":
        raise CriticalProblem(
            f"{path}: found a file that a newer version of DuckDB wrote, its figures cannot be kept in history; use"
            " that version of Leadhouse, or move the file away"
        )
    if state == "ours":
        try:
            keep_history(path, config.history_dir)
            return
        except duckdb.Error as error:
            state = examine(path, inside=True)
            if state == "ours":
                raise error from None
    if state == "damaged":
        discard_served(path, progress)
    elif any(config.history_dir.glob("*/*.parquet")):
        progress.say(f"warning: {path.name} is not there, though figures were published before; it is built again")


def discard_served(path: Path, progress: Progress) -> None:
    """Keep a damaged published file as `<name>.damaged`; it stays in place until a whole one replaces it."""
    aside = path.with_name(path.name + ".damaged")
    kept = f"it is kept as {aside.name}"
    try:
        aside.unlink(missing_ok=True)
        os.link(path, aside)
    except OSError:
        kept = "it cannot be kept"
    progress.say(f"warning: {path.name} cannot be read, it is damaged or no database; {kept}, a whole one is built")
