"""A published file to read, and a page to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import queries
from tests.dashboard import published

APP = Path(__file__).parents[2] / "dashboards" / "app.py"


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented published file. Tests that replace it copy it first."""
    return published.write(tmp_path_factory.mktemp("warehouse") / "leadhouse.duckdb", weeks=16)


@pytest.fixture
def snap(warehouse: Path) -> queries.Snapshot:
    """The version of the invented file."""
    return queries.snapshot(warehouse)


@pytest.fixture
def app(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The dashboard over the invented file, not run yet."""
    monkeypatch.setenv("LEADHOUSE_WAREHOUSE", str(warehouse))
    return AppTest.from_file(APP, default_timeout=30)
