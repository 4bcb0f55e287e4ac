"""`leadhouse backup` and `leadhouse restore`: read the arguments, call one function, print what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.errors import ConfigError, CriticalProblem
from dagster_project.terminal import printable

app = typer.Typer(
    name="backup",
    help="Copy raw, history, state, configuration and figures to a folder or an object store; look after the copies.",
    epilog="Example: leadhouse backup --config brokerage/leadhouse.toml --to s3://bucket/leadhouse",
)

FromOption = Annotated[str, typer.Option("--from", metavar="URL", help="Where the backups are: a folder or a URL.")]
SnapshotOption = Annotated[str | None, typer.Option("--snapshot", metavar="S", help="As `backup list` shows it.")]


@app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Configuration; default ./leadhouse.toml or LEADHOUSE_CONFIG."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="A folder, or a URL such as s3://bucket/folder.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read everything back from the store.")] = False,
) -> None:
    """Back up a brokerage: what the store has already is not sent again."""
    if context.invoked_subcommand is not None:
        return
    if to is None:
        raise ConfigError("--to: found nothing, expected a folder or a URL such as s3://bucket/folder")
    from dagster_project.backup.make import make_backup
    from dagster_project.config import find_config, load_config
    from dagster_project.progress import Progress

    loaded = load_config(find_config(config))
    with Progress() as progress:
        progress.step(f"backing up {loaded.brokerage.name}")
        report = make_backup(loaded, to, verify=verify, say=progress.say)
    snapshot = report.snapshot
    print(
        f"{snapshot.name}: {len(snapshot.files):,} files, {_size(snapshot.size)}; {report.new_objects:,} new objects,"
        f" {_size(report.new_bytes)}" + ("; everything read back" if verify else "")
    )
    if report.problems:
        raise CriticalProblem(report.problems)


@app.command("list", epilog="Example: leadhouse backup list --from /mnt/backup/leadhouse")
def list_(url: FromOption) -> None:
    """The snapshots of a backup, the oldest first."""
    from dagster_project.backup.keep import list_snapshots
    from dagster_project.backup.store import BackupDamaged
    from dagster_project.config_toml import shown

    damaged: list[str] = []
    for found in list_snapshots(url):
        if isinstance(found, BackupDamaged):
            damaged += found.messages
            continue
        print(
            f"{found.name}  {found.created_at}  {shown(found.brokerage)}  Leadhouse {found.version}"
            f"  {len(found.files):,} files  {_size(found.size)}"
        )
    if damaged:
        raise CriticalProblem(damaged)


@app.command("verify", epilog="Example: leadhouse backup verify --from s3://bucket/leadhouse")
def verify_(url: FromOption, snapshot: SnapshotOption = None) -> None:
    """Read every object back and compare it with its SHA-256; exit 1 where something is missing or damaged."""
    from dagster_project.backup.keep import verify_backup

    problems: list[str] = []
    for verdict in verify_backup(url, snapshot):
        told = f"{len(verdict.problems):,} problems" if verdict.problems else "whole"
        print(f"{verdict.name}: {told}, {verdict.files:,} files, {_size(verdict.size)}")
        problems += verdict.problems
    if problems:
        raise CriticalProblem(dict.fromkeys(problems))


@app.command("prune", epilog="Example: leadhouse backup prune --from s3://bucket/leadhouse --keep 30")
def prune_(
    url: FromOption,
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="How many of the newest snapshots stay.")],
) -> None:
    """Remove older snapshots, and the objects that none needs any more."""
    from dagster_project.backup.keep import prune

    gone, objects = prune(url, keep)
    for name in gone:
        print(f"removed {name}")
    print(f"removed {len(gone):,} snapshots and {objects:,} objects")


def restore(
    url: FromOption,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new or empty folder.")],
    snapshot: SnapshotOption = None,
) -> None:
    """Restore a backup into a new folder and verify what was restored."""
    from dagster_project.backup.restore import restore as restore_

    report = restore_(url, to, snapshot)
    print(f"{report.snapshot.name}: restored to {to}")
    for line in report.verified:
        print(printable(f"verified {line}" if not line.startswith("warning:") else line))
    for line in report.to_do:
        print(printable(line))
    sys.stdout.flush()


def _size(number: int) -> str:
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= step:
            return f"{number / step:,.1f} {unit}"
    return f"{number:,} bytes"
