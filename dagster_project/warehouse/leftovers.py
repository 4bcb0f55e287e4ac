"""What killed builds left behind: temporary files of our own naming, swept when a build starts, so no disk fills up."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from dagster_project.config import Config
from dagster_project.warehouse.published import HISTORY

_HEX = "[0-9a-f]+"


def sweep(config: Config, target: Path) -> None:
    """Remove temporary files of builds that were killed. Hold the `BuildLock`. `target`: the file this build writes.

    Beside the target only files that bear its own name are touched. A file that cannot be removed is left: whoever
    needs its place says so.
    """
    for path in _leftovers(config, target):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            _unlink(path)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _leftovers(config: Config, target: Path) -> Iterator[Path]:
    # A new published file, its write-ahead log, and the folder into which DuckDB spills while it is written.
    for file in {config.warehouse_path, target}:
        yield from _named(file.parent, rf"\.{re.escape(file.name)}\.{_HEX}\.tmp(\.wal|\.tmp)?")
    outcome = config.last_build_path
    yield from _named(outcome.parent, rf"\.{re.escape(outcome.name)}\.{_HEX}\.tmp")
    for table in HISTORY:
        yield from _named(config.history_dir / table, rf"\.\d{{8}}T\d{{6}}Z-{_HEX}\.tmp")
    for folder in config.raw_dir.glob("*/*/"):
        yield from _named(folder, r"\.\d{8}T\d+-.+\.parquet\.\d+\.tmp")
    yield from _named(config.raw_dir, r"\.erasures\.\d+\.tmp")
    yield from _named(config.erasure_dir, r"\.(key|people\.json)\.\d+\.tmp")
    yield from _named(config.refused_dir, r"\..+\.parquet\.tmp")
    yield from _named(config.work_dir, r"spool-erase\.duckdb(\.wal|\.tmp)?")
    yield config.work_dir / "dagster"
    yield config.working_path.with_name(config.working_path.name + ".tmp")


def _named(folder: Path, pattern: str) -> Iterator[Path]:
    if folder.is_dir():
        yield from [path for path in folder.iterdir() if re.fullmatch(pattern, path.name)]
