"""dbt's manifest of one brokerage, read by a dbt that ends with its build. Imports no dbt."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dagster_project import dbt_child
from dagster_project.config import Config
from dagster_project.dbt_project import DBT_DIR, dbt_environment, dbt_vars, fingerprint_of, prepare_seeds, project_files
from dagster_project.disk import disk_trouble
from dagster_project.errors import CriticalProblem
from dagster_project.warehouse.checks import read_artifact

DBT = ("-P", "-m", dbt_child.__name__)
"""What Python runs as dbt: in a process that ends with its build."""


def prepare_manifest(config: Config) -> Callable[[], Path]:
    """Begin to read the project, in a process of its own; what is returned waits for it and gives dbt's manifest.

    It is read again only when the project, its seeds or its variables changed. Hold a `BuildLock`. Raises ConfigError
    for the brokerage's seeds at once, and CriticalProblem, with dbt's own words, from the wait.
    """
    return _begin(config, config.work_dir, config.dbt_lock_path)


def prepared_manifest(config: Config) -> Path:
    """The same, begun and waited for."""
    return prepare_manifest(config)()


def graph_manifest(config: Config) -> Path:
    """The same for whoever only draws the graph: in a folder of Dagster's own, as a build may be running."""
    folder = config.dagster_home / "graph"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        return _begin(config, folder, folder / "dbt.lock")()


def _begin(config: Config, folder: Path, lock: Path) -> Callable[[], Path]:
    seeds = prepare_seeds(config, folder / "seeds")
    target = folder / "dbt"
    manifest, mark = target / "manifest.json", target / "parsed"
    wanted = project_fingerprint(config, seeds)
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted and read_artifact(manifest):
        return lambda: manifest
    if not read_artifact(manifest):
        shutil.rmtree(target, ignore_errors=True)  # half written by a dbt that was killed: nothing there can be trusted
    own = {
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_PROFILES_DIR": str(DBT_DIR),
        "LEADHOUSE_SEEDS": str(seeds),
    }
    parsing = subprocess.Popen(  # noqa: S603 - our own dbt
        [sys.executable, *DBT, "--quiet", "parse", "--no-use-colors", "--vars", json.dumps(dbt_vars(config))],
        cwd=DBT_DIR,
        env={**os.environ, **dbt_environment(config), **child_environment(lock), **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def parsed() -> Path:
        told = " ".join(parsing.communicate()[0].split())
        if parsing.returncode:
            raise CriticalProblem(disk_trouble(told, target) or f"dbt: the project does not parse: {told}")
        mark.write_text(wanted, encoding="utf-8")
        return manifest

    return parsed


def child_environment(lock: Path) -> dict[str, str]:
    """What a dbt that ends with this process is told: its lock, and who it belongs to."""
    return {dbt_child.LOCK: str(lock), dbt_child.PARENT: str(os.getpid())}


def project_fingerprint(config: Config, seeds: Path) -> str:
    """A hash of all that decides what dbt computes of the same rows."""
    return fingerprint_of([*project_files(), *seeds.glob("*.csv")], json.dumps(dbt_vars(config), sort_keys=True))
