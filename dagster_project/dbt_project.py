"""How a configuration becomes a dbt invocation: its variables, its seeds, its environment. Imports no dbt."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.config import DAYS, Config, nearest
from dagster_project.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
DBT_DIR = ROOT / "dbt"
PACKAGED_SEEDS = ROOT / "seeds"


def dbt_vars(config: Config) -> dict[str, Any]:
    """The `vars` of dbt_project.yml as this brokerage sets them."""
    hours = config.hours
    return {
        "timezone": config.brokerage.timezone,
        "currency": config.brokerage.currency,
        "week_start": config.brokerage.week_start,
        "always_open": hours is None,
        "hours": [
            {"isodow": isodow, "opens": _clock(opens), "closes": _clock(closes)}
            for isodow, day in enumerate(DAYS, start=1)
            for opens, closes in (hours.days[day] if hours else ())
        ],
        "holidays": [day.isoformat() for day in (hours.holidays if hours else ())],
        "reopen_after_days": config.rules.reopen_after_days,
        "contact_min_seconds": config.rules.contact_min_seconds,
        "appointment_grace_minutes": config.rules.appointment_grace_minutes,
        "max_shared_identifier": config.rules.max_shared_identifier,
        "next_morning_on": config.rules.next_morning_on,
        "default_agent_split": config.economics.default_agent_split,
        "feed_above_roi": config.economics.feed_above_roi,
        "stop_below_roi": config.economics.stop_below_roi,
    }


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def prepare_seeds(config: Config, folder: Path | None = None) -> Path:
    """Lay the brokerage's seeds over the packaged ones, in the working folder or another; returns that folder.

    Raises ConfigError for a file that replaces nothing or lacks a column, so that a typing error is not silence.
    """
    own = sorted(config.seeds_path.glob("*.csv")) if config.seeds_path else []
    packaged = {path.name: path for path in PACKAGED_SEEDS.glob("*.csv")}
    problems = [line for path in own for line in _seed_problems(path, packaged)]
    if problems:
        raise ConfigError(problems)
    folder = folder or config.work_dir / "seeds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in [*packaged.values(), *own]:
        shutil.copyfile(path, folder / path.name)
    return folder


_NUMBER = (r"\d{1,6}(\.\d{1,3})?", "a number such as 15")
_CLOCK = (r"([01]\d|2[0-3]):[0-5]\d", "a time such as 09:00")
_DAY = (r"\d{4}-\d{2}-\d{2}", "a day such as 2026-11-24")
_MONTH = (r"\d{4}-(0[1-9]|1[0-2])", "a month such as 2026-11")
_SEED_VALUES = {
    "sla_policies": {
        "in_hours_minutes": _NUMBER,
        "after_hours_minutes": _NUMBER,
        "next_morning_by": _CLOCK,
        "valid_from": _DAY,
        "valid_to": _DAY,
    },
    "quiet_hours": {"starts": _CLOCK, "ends": _CLOCK},
    "fx_rates": {"month": _MONTH, "rate": (r"\d{1,9}(\.\d{1,8})?", "a positive number such as 1.08")},
    "person_links": {"link": (r"together|apart", "together or apart")},
    "vendor_fees": {"month_from": _MONTH, "month_to": _MONTH, "share": (r"0?\.\d{1,8}|[01]", "a share such as 0.5")},
}
"""What a cell of a seed must look like, where it is not empty: dbt would fail far from the row that is wrong."""


def _seed_problems(path: Path, packaged: dict[str, Path]) -> Iterable[str]:
    known = sorted(name.removesuffix(".csv") for name in packaged)
    if path.name not in packaged:
        close = nearest(path.stem, known)
        yield f"{path.name}: found a seed of an unknown name, " + (
            f"nearest known is {close}" if close else f"expected one of: {', '.join(known)}"
        )
        return
    try:
        header, *rows = _cells(path)
    except UnicodeDecodeError:
        yield f"{path.name}: found text that is not UTF-8, expected a CSV file in UTF-8"
        return
    wanted = _cells(packaged[path.name])[0]
    missing = [column for column in wanted if column not in header]
    if missing:
        yield f"{path.name}: columns: found no {', '.join(missing)}, expected {', '.join(wanted)}"
        return
    for number, cells in enumerate(rows, start=2):
        if len(cells) != len(header):
            yield f"{path.name}: row {number}: found {len(cells)} cells, expected {len(header)}"
            continue
        for column, (pattern, expected) in _SEED_VALUES.get(path.stem, {}).items():
            text = cells[header.index(column)].strip()
            if text and not re.fullmatch(pattern, text):
                yield f'{path.name}: row {number}: {column}: found "{text[:40]}", expected {expected}'


def _cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [cells for cells in csv.reader(file) if cells]
    return [[name.strip() for name in rows[0]], *rows[1:]] if rows else [[]]


def dbt_environment(config: Config, as_of: datetime | None = None) -> dict[str, str]:
    """The environment variables that dbt_project.yml, profiles.yml and models/staging/as_of.sql read."""
    environment = {
        "LEADHOUSE_WORKING_DB": str(config.working_path),
        "LEADHOUSE_SEEDS": str(config.work_dir / "seeds"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    if as_of is not None:
        environment["LEADHOUSE_AS_OF"] = as_of.isoformat()
    return environment


def fingerprint_of(paths: Iterable[Path], *texts: str) -> str:
    """A short hash of the contents of files (in the order of their names) and of texts.

    A file that cannot be read counts as that: who reads it for its rows says so in better words.
    """
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            digest.update(type(error).__name__.encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:16]


def project_files() -> list[Path]:
    """Everything under `dbt/` that decides what a model computes."""
    kept = []
    for folder, folders, files in os.walk(DBT_DIR):
        folders[:] = [name for name in folders if name not in ("target", "logs", "dbt_packages")]
        kept += [Path(folder, name) for name in files if name.endswith((".sql", ".yml", ".md"))]
    return kept
