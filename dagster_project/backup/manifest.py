"""A snapshot: which content stood at which path. Written by us, read as if by anybody: nothing in it is trusted."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from dagster_project.backup.store import BackupDamaged, Store
from dagster_project.errors import ConfigError, CriticalProblem

MANIFEST_FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One file: its path in the restored folder, its size in bytes, its SHA-256, its permission bits."""

    path: str
    size: int
    sha256: str
    mode: int


@dataclass(frozen=True)
class Figures:
    """`metric_weekly` of the published file: its rows and a SHA-256 of them in the order of all columns."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """Everything one backup held. Paths are relative to the folder it is restored to, with `/`.

    `config`, `warehouse`, `raw`, `history`, `state`, `erasure`: where these lie (present or not). `outside`: keys of
    the configuration that pointed outside its folder, and where their files are in the snapshot. `damaged`: raw files
    that were damaged already. `figures` is None where nothing was published.
    """

    name: str
    created_at: str
    brokerage: str
    build_id: str
    version: str
    config: str
    warehouse: str
    raw: str
    history: str
    state: str
    erasure: str
    outside: dict[str, str]
    damaged: tuple[str, ...]
    figures: Figures | None
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    @property
    def objects(self) -> dict[str, int]:
        """Size of each object that is named, by its SHA-256."""
        return {entry.sha256: entry.size for entry in self.files}

    def below(self, folder: str) -> tuple[Entry, ...]:
        """The files in a folder."""
        return tuple(entry for entry in self.files if entry.path.startswith(f"{folder}/"))

    def has(self, path: str) -> bool:
        """Whether there is a file of that path."""
        return any(entry.path == path for entry in self.files)


def written(snapshot: Snapshot) -> bytes:
    """A snapshot as its manifest: JSON, with a SHA-256 over the rest of it."""
    told: dict[str, Any] = {"format": MANIFEST_FORMAT, **asdict(snapshot)}
    return json.dumps({**told, "sha256": _digest(told)}, indent=1, ensure_ascii=False).encode() + b"\n"


def read(store: Store, name: str) -> Snapshot:
    """A snapshot of a store. Raises BackupDamaged where it is not one that a backup wrote, or would write elsewhere.

    Raises CriticalProblem for one of a newer version.
    """
    data, where = store.read_snapshot(name), f"snapshots/{name}.json"
    try:
        told = json.loads(data)
        digest = told.pop("sha256")
        whole = digest == _digest(told)
        version = told.pop("format")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BackupDamaged(f"{where}: found no whole snapshot in it, expected the JSON that a backup wrote") from None
    if not whole:
        raise BackupDamaged(f"{where}: found a snapshot that was changed after it was written, expected it as it was")
    if version != MANIFEST_FORMAT:
        raise CriticalProblem(
            f"{where}: written by a newer version of Leadhouse (format {str(version)[:20]}),"
            f" expected format {MANIFEST_FORMAT}; install that version"
        )
    try:
        snapshot = _typed(told)
    except (ValueError, TypeError, KeyError):
        raise BackupDamaged(f"{where}: found fields that no backup writes, expected a snapshot") from None
    if snapshot.name != name:
        raise BackupDamaged(f"{where}: found another snapshot's content, expected its own")
    _check_paths(snapshot, where)
    return snapshot


def names_in(store: Store) -> list[str]:
    """The names of all snapshots, the oldest first. Raises ConfigError where there is none."""
    names = store.snapshots()
    if not names:
        raise ConfigError(f"--from: found no snapshot in {store.shown}, expected a backup (leadhouse backup --to URL)")
    return names


def choose(store: Store, asked: str | None) -> Snapshot:
    """The snapshot asked for, or the newest. Raises ConfigError where there is none of that name."""
    names = names_in(store)
    if asked is not None and asked not in names:
        newest = ", ".join(reversed(names[-3:]))
        raise ConfigError(f'--snapshot: found "{asked}", expected one that `leadhouse backup list` shows: {newest}')
    return read(store, asked or names[-1])


def _digest(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _line(value: object) -> str:
    if not _text(value).isprintable():
        raise ValueError(value)
    return _text(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _sha256(value: object) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", _text(value)):
        raise ValueError(value)
    return _text(value)


def _typed(told: dict[str, Any]) -> Snapshot:
    figures = told["figures"]
    lines = ("name", "created_at", "build_id", "version", "config", "warehouse", "raw", "history", "state", "erasure")
    datetime.fromisoformat(told["created_at"])
    return Snapshot(
        **{name: _line(told[name]) for name in lines},
        brokerage=_text(told["brokerage"]),
        outside={_text(key): _text(path) for key, path in told["outside"].items()},
        damaged=tuple(_text(path) for path in told["damaged"]),
        figures=Figures(_count(figures["rows"]), _sha256(figures["sha256"])) if figures is not None else None,
        files=tuple(
            Entry(_text(item["path"]), _count(item["size"]), _sha256(item["sha256"]), _count(item["mode"]))
            for item in told["files"]
        ),
    )


def is_safe(path: str) -> bool:
    """Whether a path stays in the folder it is relative to, on any system."""
    parts = path.split("/")
    return (
        bool(path)
        and not any(part in ("", ".", "..") for part in parts)
        and not any(character in path for character in "\\:\0")
        and path.isprintable()
        and PurePosixPath(path).as_posix() == path
    )


def _check_paths(snapshot: Snapshot, where: str) -> None:
    named = (snapshot.config, snapshot.warehouse, snapshot.raw, snapshot.history, snapshot.state, snapshot.erasure)
    paths = [entry.path for entry in snapshot.files]
    for path in (*named, *snapshot.outside.values(), *snapshot.damaged, *paths):
        if not is_safe(path):
            raise BackupDamaged(f"{where}: found a path that leads out of the folder, expected one inside it")
    seen = set(paths)
    folders = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
    if len(seen) != len(paths) or seen & folders:
        raise BackupDamaged(f"{where}: found one path twice, expected each file once")
    for path in (snapshot.config, *([snapshot.warehouse] if snapshot.figures else [])):
        if path not in seen:
            raise BackupDamaged(f"{where}: found no {path} in it, expected a whole brokerage")
