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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast ones first: what needs no build and no browser, then builds, then browsers."""
    slow = ("tests/dbt/", "tests/hand_worked/")
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None,
            item.get_closest_marker("slow") is not None or item.nodeid.startswith(slow),
        )
    )


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
