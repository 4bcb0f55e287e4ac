"""The list of erased people on disk: `<erasure>/people.json`, and beside it the secret of its hashes.

Without the secret a list of phone numbers could be tried out; a list without its secret is worthless, so a load refuses
to go on without it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from dagster_project.config import Config
from dagster_project.errors import CriticalProblem
from dagster_project.sources.suppression import Erasure, Suppression
from dagster_project.warehouse.durable import write_whole


def read_suppression(config: Config) -> Suppression:
    """The list of a brokerage; empty where nobody was erased.

    Raises CriticalProblem where the list cannot be read, is gone, or is there without its key: a load that does not
    know whom to leave out would bring them back.
    """
    listed, key = config.erasure_dir / "people.json", config.erasure_dir / "key"
    if not listed.is_file():
        if mark_of(config).is_file():
            raise CriticalProblem(
                f"{listed.name}: people were erased, and the list of them is gone; restore it from a backup: without it"
                " they would come back"
            )
        return Suppression(_read_key(key) or b"", (), config.brokerage.country)
    secret = _read_key(key)
    if secret is None:
        raise CriticalProblem(
            f"{listed.name}: found the list of erased people without its key, expected erasure/key beside it;"
            " restore it from a backup: without it erased people would come back"
        )
    try:
        erasures = [_erasure(entry) for entry in json.loads(listed.read_text(encoding="utf-8"))["people"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CriticalProblem(
            f"{listed.name}: found a list of erased people that cannot be read; restore it from a backup"
        ) from None
    return Suppression(secret, erasures, config.brokerage.country)


def mark_of(config: Config) -> Path:
    """The file that says with which list everything that is kept was last gone through: its digest."""
    return config.raw_dir / ".erasures"


def _erasure(entry: dict[str, Any]) -> Erasure:
    """An entry of the list. Raises TypeError, AttributeError where it is none."""
    names = [item.name for item in fields(Erasure) if item.name in dict(entry)]
    values: dict[str, Any] = {
        name: tuple(entry[name]) if isinstance(entry[name], list) else entry[name] for name in names
    }
    found = Erasure(**values)
    for name, value in vars(found).items():
        texts = (value,) if name in ("token", "at", "reason") else value
        if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
            raise TypeError(name)
    return found


def _read_key(key: Path) -> bytes | None:
    try:
        secret = bytes.fromhex(key.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None
    return secret if len(secret) >= 16 else None


def ensure_key(config: Config) -> None:
    """Make the secret where there is none yet."""
    if not (config.erasure_dir / "people.json").is_file() and _read_key(config.erasure_dir / "key") is None:
        _write(config.erasure_dir / "key", secrets.token_hex(32) + "\n")


def write_erasures(config: Config, erasures: Iterable[Erasure]) -> None:
    """Write the whole list, in one step, readable by its owner alone."""
    entries = [asdict(erasure) for erasure in erasures]
    _write(config.erasure_dir / "people.json", json.dumps({"people": entries}, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, text, mode=0o600)
