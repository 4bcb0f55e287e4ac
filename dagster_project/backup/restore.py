"""`leadhouse restore`: a snapshot into a new folder, checked byte by byte, then read as a build and a page would."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.backup.figures import figures_of
from dagster_project.backup.manifest import Entry, Snapshot, choose, read
from dagster_project.backup.store import BackupDamaged, Store
from dagster_project.config import load_config
from dagster_project.config_toml import read_toml, shown
from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.warehouse.durable import flush
from dagster_project.warehouse.raw import RawDamaged
from dagster_project.warehouse.raw import verify as verify_raw


@dataclass(frozen=True)
class RestoreReport:
    """What was restored and verified, and what is left to do: each a line."""

    snapshot: Snapshot
    verified: tuple[str, ...]
    to_do: tuple[str, ...]


def restore(url: str, folder: Path, asked: str | None = None) -> RestoreReport:
    """Restore a snapshot (default: the newest) into a new or empty folder.

    Each object is checked while it is written, beside the folder; then raw, history, state and figures are read. Only
    what passed gets the folder's name. Raises ConfigError for a folder that is not empty or a snapshot that is not
    there, BackupDamaged or CriticalProblem for a backup that is not whole, SourceUnreachable.
    """
    folder = folder.absolute()
    _refuse_filled(folder)
    store = Store(url, "--from")
    chosen = choose(store, asked)
    snapshot, erasure_line = _with_newest_erasures(store, chosen)
    with _staging(folder) as fresh:
        for entry in snapshot.files:
            _write(store, entry, fresh)
        verified = [f"objects: {len(snapshot.files):,} files, {snapshot.size:,} bytes, each with its SHA-256"]
        verified += _verified(snapshot, fresh)
        _take_place(fresh, folder)
    to_do = [*([erasure_line] if erasure_line else []), *_to_do(snapshot, folder)]
    return RestoreReport(snapshot, tuple(verified), tuple(to_do))


def _refuse_filled(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise ConfigError(f"--to: found something at {folder} already, expected a new or empty folder")


def _with_newest_erasures(store: Store, chosen: Snapshot) -> tuple[Snapshot, str | None]:
    """A snapshot with the erasures of the newest one: who was erased since does not come back."""
    for name in reversed(store.snapshots()):
        if name == chosen.name:
            return chosen, None
        try:
            newest = read(store, name)
        except BackupDamaged as damage:
            raise BackupDamaged(
                f"{damage.messages[0]}; it may hold erasures that {chosen.name} does not: remove that file to restore"
                " without them"
            ) from None
        return _merged(chosen, newest)
    return chosen, None


def _merged(chosen: Snapshot, newest: Snapshot) -> tuple[Snapshot, str | None]:
    theirs = tuple(
        replace(entry, path=chosen.erasure + entry.path.removeprefix(newest.erasure))
        for entry in newest.below(newest.erasure)
    )
    ours = chosen.below(chosen.erasure)
    if not theirs or {(entry.path, entry.sha256) for entry in theirs} == {(e.path, e.sha256) for e in ours}:
        return chosen, None
    kept = tuple(entry for entry in chosen.files if entry not in ours)
    line = (
        f"erasures: taken from the newest snapshot {newest.name}, as {chosen.name} is older; the next build applies"
        " them, run it before anybody reads the figures"
    )
    return replace(chosen, files=kept + theirs), line


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is restored to; gone at the end, unless it has taken its place."""
    for leftover in folder.parent.glob(f".{folder.name}.restoring-*"):
        if not _is_alive(leftover):
            shutil.rmtree(leftover)
    fresh = folder.parent / f".{folder.name}.restoring-{os.getpid()}"
    fresh.mkdir(mode=0o700, parents=True)
    try:
        yield fresh
    finally:
        if fresh.exists():
            shutil.rmtree(fresh)


def _is_alive(leftover: Path) -> bool:
    match = re.search(r"-(\d+)$", leftover.name)
    if match is None:
        return True  # not ours
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return int(match[1]) != os.getpid()


def _write(store: Store, entry: Entry, fresh: Path) -> None:
    path = fresh / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        try:
            for chunk in store.read_object(entry.sha256, entry.size):
                file.write(chunk)
        except BackupDamaged as damage:
            raise BackupDamaged(f"{entry.path}: {damage.messages[0]}; nothing was restored") from None
        file.flush()
        os.fsync(file.fileno())
    path.chmod(entry.mode & 0o777 | 0o600)


def _verified(snapshot: Snapshot, fresh: Path) -> Iterator[str]:
    """One line per thing that was read as a build or a page would. Raises CriticalProblem where one does not hold."""
    sealed = plain = 0
    for entry in snapshot.below(snapshot.raw):
        if entry.path in snapshot.damaged:
            yield f"warning: {entry.path}: it was damaged already when it was backed up; an older snapshot may have it"
            continue
        try:
            whole = verify_raw(fresh / entry.path)
        except RawDamaged as damage:
            raise CriticalProblem(damage.messages[0]) from None
        sealed, plain = sealed + whole, plain + (not whole)
    yield f"raw: {sealed:,} stored files hold every record they were written with"
    if plain:
        yield f"raw: {plain:,} stored files of version 0.1.0, which kept no digest of records, can be read to their end"
    yield f"history: {_read_history(snapshot, fresh):,} files can be read"
    if snapshot.has(snapshot.state):
        _check_state(fresh / snapshot.state)
        yield f"state: {Path(snapshot.state).name} is sound"
    if snapshot.figures is None:
        yield "figures: there was no published file that could be read; the first build makes one"
        return
    try:
        found = figures_of(fresh / snapshot.warehouse)
    except duckdb.Error as error:
        raise CriticalProblem(
            f"{snapshot.warehouse}: the restored file cannot be read ({type(error).__name__}), expected figures"
        ) from None
    if found != snapshot.figures:
        raise CriticalProblem(
            f"{snapshot.warehouse}: found {found.rows:,} rows of metric_weekly, expected the"
            f" {snapshot.figures.rows:,} that were backed up"
        )
    yield f"figures: {found.rows:,} rows of metric_weekly, the same as when they were backed up"


def _read_history(snapshot: Snapshot, fresh: Path) -> int:
    entries = [entry for entry in snapshot.below(snapshot.history) if entry.path.endswith(".parquet")]
    for entry in entries:
        try:
            pq.read_metadata(fresh / entry.path)
        except (pa.ArrowException, OSError):
            raise CriticalProblem(f"{entry.path}: found no Parquet file, expected one of history") from None
    return len(entries)


def _check_state(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as state:
            sound = state.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        raise CriticalProblem(f"{path.name}: found a damaged database, expected the state that was backed up")


def _take_place(fresh: Path, folder: Path) -> None:
    fresh.chmod(0o755)
    for path in fresh.rglob("*"):
        if path.is_dir():
            flush(path)
    flush(fresh)
    try:
        fresh.rename(folder)
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.EXDEV):
            raise ConfigError(f"--to: {folder} is a mount point, expected a new folder in it") from None
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise ConfigError(f"--to: found something at {folder} already, expected a new or empty folder") from None
        raise
    flush(folder.parent)


def _export_paths(config: Path) -> list[object]:
    """The paths of the sources as they stand in the file: what comes from the environment is not shown."""
    sources = read_toml(config).get("source")
    return [source.get("path") for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []


def _to_do(snapshot: Snapshot, folder: Path) -> Iterator[str]:
    """How to go on from a restored folder."""
    config = folder / snapshot.config
    for key, path in snapshot.outside.items():
        yield (
            f'{snapshot.config}: {key} leads outside the folder; its files are at {folder / path}: set it to "{path}",'
            " else a build would use the old place"
        )
    try:
        yield from (f"exports: expected in {shown(path)}, relative to {folder}" for path in _export_paths(config))
        warehouse = load_config(config).warehouse_path
    except ConfigError as problem:
        yield from (f"to be mended before a build: {line}" for line in problem.messages)
    else:
        if "warehouse.path" not in snapshot.outside and warehouse.resolve() != (folder / snapshot.warehouse).resolve():
            yield f'{snapshot.config}: warehouse.path leads elsewhere now, expected "{snapshot.warehouse}"'
    yield f"then run: leadhouse build --config {config}"
