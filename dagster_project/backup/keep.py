"""What a store holds: list it, verify it, keep the newest snapshots of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagster_project.backup.manifest import Snapshot, choose, names_in, read
from dagster_project.backup.store import BackupDamaged, Store
from dagster_project.errors import CriticalProblem


@dataclass(frozen=True)
class Verdict:
    """What became of one snapshot's verification: `problems` is empty where all of it is whole."""

    name: str
    files: int
    size: int
    problems: tuple[str, ...]


def list_snapshots(url: str) -> Iterator[Snapshot | BackupDamaged]:
    """All snapshots, the oldest first; a damaged one as what is wrong with it. Raises ConfigError without any."""
    store = Store(url, "--from")
    for name in names_in(store):
        try:
            yield read(store, name)
        except BackupDamaged as damage:
            yield damage


def verify_backup(url: str, asked: str | None = None) -> Iterator[Verdict]:
    """Read every object of every snapshot (or of one) back, each object once. Raises ConfigError without any."""
    store = Store(url, "--from")
    names = [choose(store, asked).name] if asked else names_in(store)
    judged: dict[tuple[str, int], str | None] = {}
    for name in names:
        try:
            snapshot = read(store, name)
        except BackupDamaged as damage:
            yield Verdict(name, 0, 0, damage.messages)
            continue
        problems = []
        for entry in snapshot.files:
            content = (entry.sha256, entry.size)
            if content not in judged:
                judged[content] = _problem(store, *content)
            if (problem := judged[content]) is not None:
                problems.append(f"{entry.path}: {problem}")
        yield Verdict(name, len(snapshot.files), snapshot.size, tuple(problems))


def _problem(store: Store, sha256: str, size: int) -> str | None:
    try:
        store.check_object(sha256, size)
    except BackupDamaged as damage:
        return damage.messages[0]
    return None


def prune(url: str, keep: int) -> tuple[list[str], int]:
    """Remove all but the `keep` newest snapshots, then the objects that none names; returns snapshots and objects gone.

    Raises CriticalProblem while a backup is under way, and where a snapshot that stays cannot be read: nobody could
    say which objects it needs. Then nothing is removed.
    """
    store = Store(url, "--from")
    names = names_in(store)
    if since := store.under_way():
        raise CriticalProblem(
            f"{store.shown}: a backup is under way, or was stopped, since {since:%Y-%m-%d %H:%M} UTC; expected"
            " none while objects are removed: wait for it or run it again"
        )
    stay, leave = names[-keep:], names[:-keep]
    needed = {sha256 for name in stay for sha256 in read(store, name).objects}
    for name in leave:
        store.remove_snapshot(name)
    unnamed = store.objects().keys() - needed
    for sha256 in sorted(unnamed):
        store.remove_object(sha256)
    store.remove_leftovers()
    return leave, len(unnamed)
