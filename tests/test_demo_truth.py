"""The small demo, built from its native exports, against what was planted: every figure, every row, every point."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.builds import metric_weekly, published_rows, reference_of
from tests.demo_kit import built_demo
from tests.reference.compare import differences, lead_differences
from tests.reference.model import Result

pytestmark = pytest.mark.slow

LAST_WEEK = "DATE '2026-11-16'"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small demo, built: its folder."""
    return built_demo(tmp_path_factory)


@pytest.fixture(scope="module")
def warehouse(demo: Path) -> Path:
    return demo / "warehouse" / "leadhouse.duckdb"


@pytest.fixture(scope="module")
def plot(demo: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((demo / "truth" / "plot.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def reference(demo: Path, warehouse: Path) -> Result:
    """The reference's figures of the planted events."""
    (build,) = published_rows(warehouse, "SELECT as_of FROM quality.build")
    return reference_of(demo / "truth" / "leadhouse.toml", build["as_of"])


def one(warehouse: Path, query: str) -> Any:
    """The one value of a query."""
    ((value,),) = (tuple(row.values()) for row in published_rows(warehouse, query))
    return value


def figure(
    warehouse: Path, metric: str, slice_: str, value: str, period: str = "trailing_52w", week: str = LAST_WEEK
) -> Any:
    """One published figure."""
    return one(
        warehouse,
        f"SELECT value FROM marts.metric_weekly WHERE metric_id = '{metric}' AND slice = '{slice_}'"
        f" AND slice_value = '{value}' AND period = '{period}' AND week_start = {week}",
    )


def money(warehouse: Path, source: str) -> tuple[float, float]:
    """Company dollar of a source's closed deals, and what was paid for it, by rows of the published tables."""
    earned = one(
        warehouse,
        "SELECT coalesce(sum(d.gci - coalesce(d.agent_split, 0.65 * d.gci)), 0)::DOUBLE FROM marts.deals AS d"
        f" INNER JOIN marts.leads AS l USING (lead_id) WHERE l.source = '{source}' AND d.closed_at IS NOT NULL",
    )
    paid = one(warehouse, f"SELECT coalesce(sum(amount), 0)::DOUBLE FROM marts.spend WHERE source = '{source}'")
    return earned, paid


def test_every_figure_is_that_of_the_planted_events(warehouse: Path, reference: Result) -> None:
    ours = metric_weekly(warehouse)
    assert len(ours) > 100_000
    assert {row["metric_id"] for row in ours} == {row["metric_id"] for row in reference.metric_weekly}
    assert not differences(ours, reference.metric_weekly)


def test_every_lead_is_that_of_the_planted_events(warehouse: Path, reference: Result) -> None:
    ours = {str(row["lead_id"]): row for row in published_rows(warehouse, "SELECT * FROM marts.leads")}
    assert len(ours) > 1_000
    assert not lead_differences(ours, reference.leads)


def test_people_are_those_who_were_planted(demo: Path, warehouse: Path) -> None:
    """Records of one person have one key, those of two have two; a trashed record is nobody's."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in published_rows(warehouse, "SELECT * FROM marts.people WHERE person_key IS NOT NULL"):
        found[row["person_key"]].add(row["person_id"])
    current = set().union(*found.values())
    planted: dict[int, set[str]] = defaultdict(set)
    for line in (demo / "truth" / "identities.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["person_id"] in current:
            planted[record["person"]].add(record["person_id"])
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, planted.values()))
    assert any(len(records) > 1 for records in planted.values())


def test_rows_end_where_they_were_planted(demo: Path, warehouse: Path) -> None:
    """Loaded, quarantined for the reason it was spoilt with, duplicate, superseded, filtered: each file and entity."""
    counts = ("rows", "loaded", "exact_duplicates", "superseded", "filtered")
    reasons: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for row in published_rows(
        warehouse,
        "SELECT source, file, entity, reason, count(*) AS found FROM quality.quarantine GROUP BY ALL ORDER BY ALL",
    ):
        reasons[row["source"], row["file"], row["entity"]][row["reason"]] = row["found"]
    found = [
        {key: row[key] for key in ("source", "file", "entity", *counts)}
        | {"quarantined": reasons[row["source"], row["file"], row["entity"]]}
        for row in published_rows(warehouse, "SELECT * FROM quality.load_log")
    ]
    planted = json.loads((demo / "truth" / "dirt.json").read_text(encoding="utf-8"))

    def by_file(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["source"], row["file"], row["entity"]

    assert sorted(found, key=by_file) == sorted((row for row in planted), key=by_file)
    assert {reason for row in planted for reason in row["quarantined"]} >= {
        "unreadable_value", "unknown_word", "missing_required", "wrong_width", "conflicting_id", "bad_json",
    }  # fmt: skip


def test_the_only_warnings_are_those_of_the_story(demo: Path, plot: dict[str, Any]) -> None:
    told = (demo / "built").read_text(encoding="utf-8")
    warnings = [line for line in told.splitlines() if line.startswith("warning")]
    assert len(warnings) <= 5
    assert any(plot["bad_export"]["file"] in line for line in warnings)
    assert "What to look for" in told


def test_times_that_no_clock_showed_are_flagged(warehouse: Path) -> None:
    flags = published_rows(
        warehouse,
        "SELECT time_flags, count(*) AS n FROM marts.touches WHERE time_flags LIKE 'occurred_at%'"
        " GROUP BY ALL ORDER BY ALL",
    )
    assert [row["n"] for row in flags] == [3, 4]


def test_plot_fast_and_never_held(warehouse: Path, plot: dict[str, Any]) -> None:
    source = plot["fast_never_held"]["source"]
    medians = published_rows(
        warehouse,
        "SELECT slice_value, value FROM marts.metric_weekly WHERE metric_id = 'response_minutes_median'"
        f" AND slice = 'source' AND period = 'trailing_52w' AND week_start = {LAST_WEEK} ORDER BY value",
    )
    assert medians[0]["slice_value"] == source
    outcomes = published_rows(
        warehouse,
        "SELECT count(*) AS booked, count_if(outcome IS NOT NULL) AS known, count_if(outcome = 'held') AS held"
        f" FROM marts.appointments INNER JOIN marts.leads USING (lead_id) WHERE source = '{source}'",
    )[0]
    assert outcomes["booked"] >= outcomes["known"] >= 10
    assert outcomes["held"] == 0
    assert figure(warehouse, "held_rate", "source", source) == 0
    assert figure(warehouse, "held_rate", "all", "all") > 0.25


def test_plot_slow_and_profitable(warehouse: Path, plot: dict[str, Any]) -> None:
    source = plot["slow_profitable"]["source"]
    median = figure(warehouse, "response_minutes_median", "source", source)
    assert median > 5 * figure(warehouse, "response_minutes_median", "all", "all")
    earned, paid = money(warehouse, source)
    assert earned > 3 * paid > 0


def test_plot_after_hours(warehouse: Path) -> None:
    for metric, factor in (("answered_within_60m_rate", 2.0), ("sla_met_rate", 1.5)):
        by_day = figure(warehouse, metric, "hours", "in_hours")
        assert by_day > factor * figure(warehouse, metric, "hours", "after_hours")
    never = figure(warehouse, "never_answered_rate", "hours", "after_hours")
    assert never > 2 * figure(warehouse, "never_answered_rate", "hours", "in_hours")


def test_plot_the_agent_who_left(warehouse: Path, plot: dict[str, Any]) -> None:
    agent = plot["agent_who_left"]["agent"]
    after = figure(warehouse, "never_answered_rate", "agent", agent, period="trailing_12w")
    assert after > 0.9
    before = figure(warehouse, "never_answered_rate", "agent", agent, "trailing_12w", "DATE '2026-07-27'")
    assert before < 0.3
    ids = ", ".join(f"'{each}'" for each in plot["agent_who_left"]["inquiries"])
    opened = published_rows(warehouse, f"SELECT * FROM marts.leads WHERE inquiry_id IN ({ids}) AND id_space = 'crm'")
    assert len(opened) > 10
    assert all(row["first_response_at"] is None or row["response_channel"] == "call" for row in opened)


def test_plot_the_broken_week(warehouse: Path, plot: dict[str, Any]) -> None:
    source, week = plot["broken_integration"]["source"], plot["broken_integration"]["week"]
    lag = figure(warehouse, "integration_lag_seconds_median", "source", source, period="week", week=f"DATE '{week}'")
    assert lag > 3600
    assert figure(warehouse, "integration_lag_seconds_median", "source", source) < 60
    volume = figure(warehouse, "inquiries", "source", source, period="week", week=f"DATE '{week}'")
    usual = figure(warehouse, "inquiries", "source", source, period="trailing_12w", week="DATE '2026-06-08'") / 12
    assert volume < 0.75 * usual
    ids = ", ".join(f"'{each}'" for each in plot["broken_integration"]["inquiries"])
    late = one(
        warehouse,
        f"SELECT min(received_at - event_at) > INTERVAL 2 HOUR FROM marts.inquiries WHERE inquiry_id IN ({ids})",
    )
    assert late


def test_plot_opt_outs_ignored(warehouse: Path, plot: dict[str, Any]) -> None:
    """Who was texted after STOP, by the published rows: exactly the planted violations."""
    texted = published_rows(
        warehouse,
        "SELECT touch_id FROM marts.touches AS t WHERE channel = 'sms' AND direction = 'outbound' AND EXISTS"
        " (SELECT 1 FROM marts.consents AS c WHERE c.person_key = t.person_key AND c.event = 'revoked'"
        " AND c.at < t.occurred_at) ORDER BY touch_id",
    )
    assert [row["touch_id"] for row in texted] == sorted(plot["opt_outs_ignored"]["touches"])
    assert texted


def test_plot_inside_sales_sets_more(warehouse: Path, plot: dict[str, Any]) -> None:
    names = ", ".join(f"'{name}'" for name in plot["inside_sales"]["team"])
    rates = published_rows(
        warehouse,
        f"SELECT responder IN ({names}) AS is_isa, count(a.lead_id) / count(*) AS rate FROM marts.leads AS l"
        " LEFT JOIN (SELECT DISTINCT lead_id FROM marts.appointments) AS a USING (lead_id)"
        " WHERE is_eligible AND responder NOT IN ('(nobody)', '(none)') GROUP BY ALL ORDER BY ALL",
    )
    assert rates[1]["rate"] > 1.3 * rates[0]["rate"]


def test_plot_money(warehouse: Path, plot: dict[str, Any]) -> None:
    earned, paid = money(warehouse, plot["money"]["good"])
    assert earned > 2 * paid > 0
    earned, paid = money(warehouse, plot["money"]["bad"])
    assert earned < paid
