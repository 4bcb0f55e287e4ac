"""dbt against plain Python that shares no code with it: every row of `metric_weekly`, real and random exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds import metric_weekly, published_rows, reference_of
from tests.conftest import ROOT, run_leadhouse
from tests.reference import generate, zoho
from tests.reference.compare import differences, economics_differences, lead_differences
from tests.reference.compute import compute

pytestmark = pytest.mark.slow


def leads(warehouse: Path) -> dict[str, dict[str, object]]:
    return {str(row["lead_id"]): row for row in published_rows(warehouse, "SELECT * FROM marts.leads")}


@pytest.fixture(scope="module")
def random_export(tmp_path_factory: pytest.TempPathFactory) -> generate.Planted:
    """Thousands of random people in every allowed spelling, built once."""
    planted = generate.generate(tmp_path_factory.mktemp("random"), seed=20261124, people=3000)
    built = run_leadhouse("build", "--config", planted.config, "--as-of", planted.as_of.isoformat())
    assert built.returncode == 0, built.stderr
    return planted


def test_every_figure_of_a_random_export(random_export: generate.Planted) -> None:
    ours = metric_weekly(random_export.folder / "warehouse" / "leadhouse.duckdb")
    theirs = reference_of(random_export.config, random_export.as_of).metric_weekly
    assert len(ours) > 50_000
    assert not differences(ours, theirs)


def test_every_lead_of_a_random_export(random_export: generate.Planted) -> None:
    ours = leads(random_export.folder / "warehouse" / "leadhouse.duckdb")
    theirs = reference_of(random_export.config, random_export.as_of).leads
    assert len(ours) > 2_000
    assert not lead_differences(ours, theirs)


def test_every_row_of_the_economics_of_a_random_export(random_export: generate.Planted) -> None:
    warehouse = random_export.folder / "warehouse" / "leadhouse.duckdb"
    ours = published_rows(warehouse, "SELECT * FROM marts.source_economics")
    theirs = reference_of(random_export.config, random_export.as_of).source_economics
    assert len(ours) > 1_500
    assert {row["verdict"] for row in ours} >= {None, "too early"}
    assert not economics_differences(ours, theirs)


def test_rows_of_a_random_export_end_where_they_were_planted(random_export: generate.Planted) -> None:
    log = published_rows(random_export.folder / "warehouse" / "leadhouse.duckdb", "SELECT * FROM quality.load_log")
    found = {f"{row['source']}/{row['file']}": row for row in log}
    for file, rows in random_export.rows.items():
        assert found[file]["rows"] == rows
        assert found[file]["exact_duplicates"] == random_export.exact_duplicates[file]
        assert found[file]["superseded"] == random_export.superseded[file]
        assert found[file]["quarantined"] == sum(random_export.quarantined[file].values())


def test_an_earlier_moment_of_a_random_export(random_export: generate.Planted, tmp_path: Path) -> None:
    """As of three weeks before: nothing that happened later is known, and it stays out of history."""
    earlier = random_export.as_of.replace(month=random_export.as_of.month - 1)
    out = tmp_path / "earlier.duckdb"
    built = run_leadhouse("build", "--config", random_export.config, "--as-of", earlier.isoformat(), "--out", out)
    assert built.returncode == 0, built.stderr
    assert not differences(metric_weekly(out), reference_of(random_export.config, earlier).metric_weekly)
    assert len(list((random_export.folder / "warehouse" / "history" / "metric_weekly").glob("*.parquet"))) == 1


FIGURES = {  # the real export's own README
    "episode": (12_601, 11_537, 11_499, 9_218, 730, 7_247, 250, 83_752.16),
    "record": (12_601, 12_601, 12_563, 9_680, 778, 7_531, 261, 83_752.16),
}
WEEKS = {
    "2023-11-06": (274, 735, 239, (145, 274), 35, 2714.08),
    "2024-01-15": (553, 965, 455, (276, 553), 98, 2795.83),
}


@pytest.fixture(scope="module", params=["episode", "record"])
def real_export(
    request: pytest.FixtureRequest, zoho_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The real export, built in one grain: the grain and the published file."""
    grain = str(request.param)
    warehouse = tmp_path_factory.mktemp(grain) / "leadhouse.duckdb"
    built = run_leadhouse(
        "build",
        "--config",
        ROOT / "examples" / "zoho" / "leadhouse.toml",
        "--as-of",
        "2024-03-01T00:00:00Z",
        env={
            "LEADHOUSE_ZOHO_DIR": str(zoho_dir),
            "LEADHOUSE_ZOHO_WAREHOUSE": str(warehouse),
            "LEADHOUSE_LEAD_GRAIN": grain,
        },
    )
    assert built.returncode == 0, built.stderr
    return grain, warehouse


def test_the_figures_of_the_real_export(real_export: tuple[str, Path]) -> None:
    grain, warehouse = real_export
    (row,) = published_rows(
        warehouse,
        """
        SELECT
            (SELECT count(*) FROM marts.inquiries) AS inquiries,
            count(*) AS leads,
            count_if(is_eligible) AS eligible,
            count_if(is_eligible AND first_response_at <= observed_until) AS responded,
            count_if(is_eligible AND first_contact_at IS NOT NULL) AS contact,
            count_if(is_eligible AND response_seconds <= 300) AS within_5m,
            (SELECT sum(amount) FROM marts.spend)::DOUBLE AS spend
        FROM marts.leads
        """,
    )
    (median,) = published_rows(
        warehouse,
        """
        SELECT value, numerator, denominator FROM marts.metric_weekly
        WHERE metric_id = 'response_minutes_median' AND slice = 'all' AND period = 'trailing_52w'
        ORDER BY week_start DESC LIMIT 1
        """,
    )
    inquiries, all_leads, eligible, responded, minutes, contact, within_5m, spend = FIGURES[grain]
    assert row == {
        "inquiries": inquiries,
        "leads": all_leads,
        "eligible": eligible,
        "responded": responded,
        "contact": contact,
        "within_5m": within_5m,
        "spend": pytest.approx(spend, abs=1e-9),
    }
    assert median == {"value": minutes, "numerator": responded, "denominator": eligible}


def test_two_weeks_of_the_real_export(real_export: tuple[str, Path]) -> None:
    grain, warehouse = real_export
    if grain == "record":
        pytest.skip("its README gives these weeks by episode")
    for week, (eligible, minutes, events, contact, never, spend) in WEEKS.items():
        rows = published_rows(
            warehouse,
            f"SELECT metric_id, value, numerator, denominator FROM marts.metric_weekly"
            f" WHERE week_start = DATE '{week}' AND period = 'week' AND slice = 'all'",
        )
        found = {row["metric_id"]: row for row in rows}
        assert found["leads_eligible"]["value"] == eligible
        assert found["response_minutes_median"]["value"] == minutes
        assert found["response_minutes_median"]["numerator"] == events
        assert (found["contact_rate_48h"]["numerator"], found["contact_rate_48h"]["denominator"]) == contact
        assert found["never_answered_rate"]["numerator"] == never
        assert found["spend"]["value"] == pytest.approx(spend, abs=1e-9)


def test_every_figure_of_the_real_export(real_export: tuple[str, Path], zoho_dir: Path) -> None:
    grain, warehouse = real_export
    theirs = compute(zoho.load(zoho_dir), zoho.settings(grain), zoho.AS_OF).metric_weekly
    assert not differences(metric_weekly(warehouse), theirs)
