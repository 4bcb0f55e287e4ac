"""`leadhouse backup`: what cannot be computed again, into a store, one snapshot a call."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import duckdb

from dagster_project import __version__
from dagster_project.backup.figures import figures_of
from dagster_project.backup.manifest import Entry, Figures, Snapshot, is_safe, read, written
from dagster_project.backup.store import BackupDamaged, Store, digest_of
from dagster_project.config import Config
from dagster_project.config_toml import shown
from dagster_project.errors import ConfigError
from dagster_project.warehouse.published import served_build
from dagster_project.warehouse.raw import RawDamaged
from dagster_project.warehouse.raw import verify as verify_raw
from dagster_project.warehouse.working import BuildLock

Say = Callable[[str], None]
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BackupReport:
    """What one backup did: its snapshot, objects and bytes that were new in the store, and what is damaged here."""

    snapshot: Snapshot
    new_objects: int
    new_bytes: int
    problems: tuple[str, ...]


def make_backup(config: Config, url: str, *, verify: bool = False, say: Say) -> BackupReport:
    """Copy raw, history, state, erasures, configuration, seeds and the published file into the store at `url`.

    Holds the build lock meanwhile. What the store has already is not sent again; the snapshot appears when all of it
    is there. `verify` reads every object back and sends damaged ones again. Raises ConfigError for a store that cannot
    be used, CriticalProblem or SourceUnreachable where something cannot be read or written: then there is no new
    snapshot, and the next call goes on where this one ended.
    """
    store = Store(url, "--to")
    _refuse_own_folders(config, store)
    with BuildLock(config, say=say):
        previous = _previous(config, store, say)
        store.start()
        backup = _Backup(config, store, previous, say)
        snapshot = backup.run(verify=verify)
        store.write_snapshot(snapshot.name, written(snapshot))
        store.finish()
    return BackupReport(snapshot, backup.new_objects, backup.new_bytes, tuple(backup.problems))


def _refuse_own_folders(config: Config, store: Store) -> None:
    """A backup among what is backed up would hold itself; among the exports it would be read as one."""
    if store.folder is None:
        return
    place = store.folder.resolve()
    own = [config.raw_dir, config.history_dir, config.erasure_dir, config.work_dir, config.seeds_path]
    for folder in [*own, config.dagster_home, *(source.path for source in config.sources)]:
        if folder is not None and place.is_relative_to(folder.resolve()):
            raise ConfigError(f"--to: found a folder inside {folder}, expected one elsewhere, best on another disk")


def _previous(config: Config, store: Store, say: Say) -> Snapshot | None:
    """The newest snapshot. Raises ConfigError where it is another brokerage's."""
    names = store.snapshots()
    if not names:
        return None
    try:
        newest = read(store, names[-1])
    except BackupDamaged as damage:
        say(f"warning: {damage.messages[0]}")
        return None
    if newest.brokerage != config.brokerage.name:
        raise ConfigError(
            f"--to: found the backups of {shown(newest.brokerage)} in {store.shown}, expected a folder of its own for"
            f" {shown(config.brokerage.name)}"
        )
    return newest


class _Layout:
    """Where each thing lies below the folder it will be restored to."""

    def __init__(self, config: Config) -> None:
        self.outside: dict[str, str] = {}
        self.config = config.file.name
        self._root = Path(os.path.normpath(config.root))
        self.warehouse = self._inside(
            "warehouse.path", config.warehouse_path, f"warehouse/{config.warehouse_path.name}"
        )
        self.seeds = self._inside("seeds.path", config.seeds_path, "seeds") if config.seeds_path else None
        beside = PurePosixPath(self.warehouse).parent
        self.raw, self.history, self.state, self.erasure, self.last_build = (
            (beside / path.name).as_posix()
            for path in (
                config.raw_dir,
                config.history_dir,
                config.state_path,
                config.erasure_dir,
                config.last_build_path,
            )
        )

    def _inside(self, key: str, path: Path, otherwise: str) -> str:
        path = Path(os.path.normpath(path))
        if path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        self.outside[key] = otherwise
        return otherwise


def _files(folder: Path, below: str, pattern: str = "**/*") -> Iterator[tuple[str, Path]]:
    """Files in a folder, without hidden ones: those are unfinished."""
    for path in sorted(folder.glob(pattern)):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield (PurePosixPath(below) / relative.as_posix()).as_posix(), path


class _Backup:
    """One backup on its way."""

    def __init__(self, config: Config, store: Store, previous: Snapshot | None, say: Say) -> None:
        self._config, self._store, self._previous, self._say = config, store, previous, say
        self._layout = _Layout(config)
        self.new_objects = self.new_bytes = 0
        self.problems: list[str] = []
        self._damaged: list[str] = []

    def run(self, *, verify: bool) -> Snapshot:
        """Send what the store lacks; returns the snapshot, which is not written yet."""
        staging = self._config.work_dir / "backup"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        try:
            files = dict(self._collected(staging))
            self._check_paths(files)
            present = self._store.objects()
            entries = [self._entry(path, source, present) for path, source in files.items()]
            figures = self._figures()
            for entry in self._lost(entries, verify=verify):
                self._store.put_file(files[entry.path], entry.sha256, entry.size)
                self._store.check_object(entry.sha256, entry.size)
        finally:
            shutil.rmtree(staging)
        build = served_build(self._config.warehouse_path) or {}
        now, layout = datetime.now(UTC), self._layout
        return Snapshot(
            name=self._name(now, str(build.get("build_id", "unpublished"))),
            created_at=now.isoformat(timespec="seconds"),
            brokerage=self._config.brokerage.name,
            build_id=str(build.get("build_id", "")),
            version=__version__,
            config=layout.config,
            warehouse=layout.warehouse,
            raw=layout.raw,
            history=layout.history,
            state=layout.state,
            erasure=layout.erasure,
            outside=layout.outside,
            damaged=tuple(self._damaged),
            figures=figures,
            files=tuple(entries),
        )

    def _collected(self, staging: Path) -> Iterator[tuple[str, Path]]:
        config, layout = self._config, self._layout
        yield layout.config, config.file
        if config.seeds_path and layout.seeds:
            yield from _files(config.seeds_path, layout.seeds, "*.csv")  # what a build reads of it
        yield from _files(config.raw_dir, layout.raw)
        yield from _files(config.history_dir, layout.history)
        yield from _files(config.erasure_dir, layout.erasure)
        if config.state_path.is_file():
            copy = staging / "state.sqlite"
            try:
                with closing(sqlite3.connect(config.state_path)) as state, closing(sqlite3.connect(copy)) as target:
                    state.backup(target)
                yield layout.state, copy
            except sqlite3.DatabaseError as error:
                self.problems.append(
                    f"{config.state_path.name}: cannot be read ({error}), expected what people noted of alerts; it is"
                    " not in this snapshot, the next build begins a new one"
                )
        for path, source in ((layout.warehouse, config.warehouse_path), (layout.last_build, config.last_build_path)):
            if source.is_file():
                yield path, source

    def _check_paths(self, files: dict[str, Path]) -> None:
        for path, source in files.items():
            if not is_safe(path):
                raise ConfigError(f"{source}: found a name that cannot be restored everywhere, expected plain text")

    def _entry(self, path: str, source: Path, present: dict[str, int]) -> Entry:
        sha256, size = digest_of(source)
        if path.startswith(f"{self._layout.raw}/"):
            self._judge_raw(path, source, sha256)
        if present.get(sha256) != size:
            self._store.put_file(source, sha256, size)
            present[sha256] = size
            self.new_objects += 1
            self.new_bytes += size
        return Entry(path, size, sha256, source.stat().st_mode & 0o777)

    def _judge_raw(self, path: str, source: Path, sha256: str) -> None:
        """A damaged raw file is kept as it is, and told, each time. What the last backup judged is not read again."""
        before = self._previous
        if before is not None and sha256 in before.objects:
            damaged = [entry.path for entry in before.files if entry.sha256 == sha256 and entry.path in before.damaged]
            if damaged:
                self._tell(path, f"{path}: this stored copy is damaged, as it was at the last backup")
            return
        try:
            verify_raw(source)
        except RawDamaged as damage:
            self._tell(path, damage.messages[0])

    def _tell(self, path: str, problem: str) -> None:
        self._damaged.append(path)
        self.problems.append(problem)

    def _figures(self) -> Figures | None:
        if not self._config.warehouse_path.is_file():
            return None
        try:
            return figures_of(self._config.warehouse_path)
        except duckdb.Error as error:
            self._tell(
                self._layout.warehouse,
                f"{self._config.warehouse_path}: the published file cannot be read ({type(error).__name__}), expected"
                " figures; run leadhouse build",
            )
            return None

    def _lost(self, entries: list[Entry], *, verify: bool) -> Iterator[Entry]:
        """What is not in the store, though it was sent: somebody removed it meanwhile. With `verify`, damaged ones."""
        present = self._store.objects()
        for entry in entries:
            if present.get(entry.sha256) != entry.size:
                yield entry
            elif verify:
                try:
                    self._store.check_object(entry.sha256, entry.size)
                except BackupDamaged as damage:
                    self._say(f"warning: {damage.messages[0]}; sent again")
                    yield entry

    def _name(self, now: datetime, build: str) -> str:
        """A name after all others, also where the clock was set back."""
        newest = max(self._store.snapshots(), default="")
        try:
            last = datetime.strptime(newest.partition("-")[0], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            last = datetime.min.replace(tzinfo=UTC)
        moment = max(now.replace(microsecond=0), last + timedelta(seconds=1)) if newest else now
        return f"{moment:{_STAMP}}-{build}"
