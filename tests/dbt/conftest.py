"""One build of everything on an empty house: the unit tests, the data tests and what dbt understood of the project."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dbt.house import Working


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Working:
    """A working database of a brokerage to which nothing has happened yet."""
    working = Working(tmp_path_factory.mktemp("empty"))
    working.fill({})
    return working


@pytest.fixture(scope="session")
def everything(empty_house: Working) -> dict[str, dict[str, Any]]:
    """Results of `dbt build`, unit tests included."""
    return empty_house.dbt("build")
