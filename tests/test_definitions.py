"""Dagster's side: the assets and checks that exist, by name; nothing else is asserted of the framework."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.config import load_config
from dagster_project.examples import write_example


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What Dagster knows of the example brokerage: asset keys and check names."""
    from dagster_project.definitions import build_definitions

    folder = tmp_path_factory.mktemp("definitions") / "brokerage"
    write_example(folder)
    definitions = build_definitions(load_config(folder / "leadhouse.toml"))
    graph = definitions.resolve_asset_graph()
    return {
        "assets": {key.to_user_string() for key in graph.materializable_asset_keys},
        "checks": {key.name for key in graph.asset_check_keys},
        "checks of assets": {f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys},
    }


def test_assets_by_name(keys: dict[str, set[str]]) -> None:
    expected = {
        "source/crm",
        "raw/inquiries",
        "raw/touches",
        "raw/identifiers",
        "intermediate/int_leads",
        "marts/leads",
        "marts/metric_leads",
        "marts/metric_weekly",
        "quality/check_results",
        "published/warehouse",
    }
    assert expected <= keys["assets"]


def test_expectations_and_dbt_tests_are_checks(keys: dict[str, set[str]]) -> None:
    assert {"every_row_accounted_for", "slices_add_up", "shares_are_shares"} <= keys["checks"]
    assert any("metric_weekly" in name for name in keys["checks"])


def test_checks_are_those_of_the_asset_they_are_about(keys: dict[str, set[str]]) -> None:
    from dagster_project.expectations import read_suites
    from dagster_project.sources.report import FINDINGS

    expected = {f"{suite.asset}:{rule.name}" for suite in read_suites() for rule in suite.expectations}
    expected |= {f"source/crm:{name}" for name in FINDINGS}
    assert expected <= keys["checks of assets"]
    assert {name.split(":")[0] for name in expected} <= keys["assets"]


def test_importing_the_definitions_needs_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    monkeypatch.chdir(tmp_path)
    importlib.import_module("dagster_project.definitions")
