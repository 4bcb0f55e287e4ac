"""Fixtures shared by all tests: folders to build in, and the command as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEADHOUSE = Path(sys.executable).with_name("leadhouse")

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_leadhouse(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; output captured."""
    return subprocess.run(
        [str(LEADHOUSE), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, **(env or {})},
    )


SLOWEST_FIRST = [
    "tests/test_build.py",
    "tests/test_against_reference.py",
    "tests/dbt/test_dbt.py",
    "tests/test_canaries.py",
    "tests/test_erasure.py",
    "tests/test_hostile.py",
    "tests/dashboard/test_browser.py",
    "tests/test_backup.py",
    "tests/test_quarantine.py",
    "tests/hand_worked/test_hand_worked.py",
]
"""Files that build or open browsers. One that is not named comes before these."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast files first; then the others, the longest first, so that no worker is left alone with one at the end."""

    def file(item: pytest.Item) -> str:
        return item.nodeid.split("::")[0]

    slow = {*SLOWEST_FIRST, *(file(item) for item in items if _is_slow(item))}
    rank = {name: place for place, name in enumerate(SLOWEST_FIRST, start=2)}
    items.sort(key=lambda item: (rank.get(file(item), 1 if file(item) in slow else 0), _is_slow(item)))


def _is_slow(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("slow", "browser"))


@pytest.fixture(scope="session")
def leadhouse() -> Run:
    """Runs the command: `leadhouse("build", "--config", path)`."""
    return run_leadhouse


@pytest.fixture(scope="session")
def zoho_dir() -> Path:
    """The real export; tests that need it skip where it is not."""
    folder = Path(os.environ.get("LEADHOUSE_ZOHO_DIR") or "absent")
    if not (folder / "deals.csv").is_file():
        pytest.skip("LEADHOUSE_ZOHO_DIR names no real export")
    return folder
