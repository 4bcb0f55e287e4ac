"""The examples that come with the project: copied out to be built, edited and broken."""

from __future__ import annotations

import shutil
from pathlib import Path

from dagster_project.dbt_project import ROOT
from dagster_project.errors import ConfigError

EXAMPLES = ROOT / "examples"


def write_example(folder: Path) -> list[Path]:
    """A commented `leadhouse.toml` and an example export in a new or empty folder; returns the files written.

    Raises ConfigError where something is there already: nothing is ever overwritten.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: found something there already, expected a new or empty folder")
    return _copy(EXAMPLES / "init", folder)


def write_demo(folder: Path, leads: int, seed: int) -> Path:
    """The demo brokerage: its configuration, its exports and the truth behind them; returns the configuration.

    Raises ConfigError for a folder that holds somebody's own configuration, before anything is written.
    """
    from dagster_project.demo.generate import generate  # numpy and the lists of names

    mark = folder / ".leadhouse-demo"
    if (folder / "leadhouse.toml").exists() and not mark.exists():
        raise ConfigError(f"{folder}: found a leadhouse.toml that is not the demo's, expected a new folder")
    _copy(EXAMPLES / "demo", folder)
    mark.touch()
    generate(folder, leads, seed)
    return folder / "leadhouse.toml"


def _copy(example: Path, folder: Path) -> list[Path]:
    shutil.copytree(example, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("warehouse"))
    return sorted(folder / path.relative_to(example) for path in example.rglob("*") if path.is_file())
