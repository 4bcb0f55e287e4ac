"""What cards, notes and charts say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from dashboards.components import breakdown, cards, notes, trend

MEDIAN = {
    "metric_id": "response_minutes_median", "label": "Median time to first response", "unit": "minutes",
    "kind": "survival", "better": "lower", "words": "", "formula": "",
}  # fmt: skip
RATE = {**MEDIAN, "metric_id": "contact_rate_48h", "label": "Contact rate", "unit": "share", "kind": "rate",
        "better": "higher"}  # fmt: skip
COUNT = {**MEDIAN, "metric_id": "leads", "label": "Leads", "unit": "count", "kind": "count", "better": None}
WEEK = date(2026, 3, 2)


def row(value: float | None, limits: tuple[float | None, float | None] = (None, None), **more: Any) -> dict[str, Any]:
    return {
        "week_start": WEEK, "period": "week", "value": value, "numerator": 145, "denominator": 274,
        "ci_low": limits[0], "ci_high": limits[1], "reliability": "ok", **more,
    }  # fmt: skip


def test_a_rate_says_what_it_is_out_of_and_how_sure_it_is() -> None:
    text = cards.describe(row(145 / 274, (0.47, 0.588)), row(0.4, (0.36, 0.44)), RATE, "week", "USD")
    assert text.value == "52.9 %"
    assert text.sample == "145 of 274 leads"
    assert text.likely == "Likely 47 % to 59 %"
    assert (text.change.by, text.change.arrow, text.change.verdict) == ("12.9 points up", "up", "green")
    assert text.change.against == "Week before: 40.0 %"
    assert text.note == ""


def test_a_move_within_the_likely_ranges_is_no_verdict() -> None:
    text = cards.describe(row(0.53, (0.47, 0.588)), row(0.5, (0.44, 0.56)), RATE, "week", "USD")
    assert text.change.verdict == "gray"
    assert "may be chance" in text.change.against


@pytest.mark.parametrize(("now", "verdict", "word"), [(100.0, "green", "faster"), (900.0, "red", "slower")])
def test_for_a_wait_less_is_better(now: float, verdict: str, word: str) -> None:
    text = cards.describe(row(now, (now - 9, now + 9)), row(500.0, (490.0, 510.0)), MEDIAN, "trailing_4w", "USD")
    assert text.change.verdict == verdict
    assert word in text.change.by
    assert text.change.against == "4 weeks before: 8 h 20 min"


def test_no_median_is_said_in_words() -> None:
    text = cards.describe(row(None, (300.0, None)), row(500.0), MEDIAN, "week", "USD")
    assert text.value == "More than half still waiting"
    assert text.in_words
    assert text.likely == "Likely more than 5 h"
    assert text.change.by == ""
    assert text.change.against == "Week before: 8 h 20 min"


def test_an_open_range_never_makes_a_verdict_of_itself() -> None:
    assert (
        cards.describe(row(500.0, (10.0, None)), row(90.0, (80.0, None)), MEDIAN, "week", "USD").change.verdict
        == "gray"
    )


@pytest.mark.parametrize(
    ("reliability", "denominator", "word"),
    [("small", 12, "Only 12: read with care"), ("too_early", 12, "not yet 48 hours old"), ("small", 0, "")],
)
def test_what_cannot_be_leaned_on_is_said(reliability: str, denominator: int, word: str) -> None:
    shown = row(0.5 if denominator else None, reliability=reliability, denominator=denominator)
    text = cards.describe(shown, None, RATE, "week", "USD")
    assert word in text.note
    assert text.too_early == (reliability == "too_early")


def test_an_unfinished_week_is_not_measured_by_a_whole_one() -> None:
    leads, before = row(9.0, numerator=None, denominator=None), row(50.0, numerator=None, denominator=None)
    change = cards.describe(leads, before, COUNT, "week", "USD", unfinished=True).change
    assert (change.by, change.against) == ("", "So far. Week before: 50")


def test_nothing_to_compare_with_is_said() -> None:
    assert cards.describe(row(0.5), None, RATE, "trailing_52w", "USD").change.against == (
        "No complete 52 weeks before to compare with"
    )
    text = cards.describe(row(9.0, numerator=None, denominator=None), row(9.0), COUNT, "week", "USD")
    assert (text.change.by, text.change.against, text.sample) == ("Unchanged", "Week before: 9", "")


def test_the_two_medians_and_the_unknown_senders_are_told() -> None:
    lines = notes.trust({
        "response_minutes_median": row(10.0), "response_minutes_median_strict": row(15.0),
        "sender_known_rate": row(0.7), "automation_inferred_rate": row(0.04),
        "integration_lag_seconds_median": row(90.0),
    })  # fmt: skip
    assert "does not tell people from machines" in lines[0]
    assert "15 min instead of 10 min" in lines[0]
    assert "70.0 %" in lines[1]
    assert "1 min 30 s" in lines[2]
    same = notes.trust({"response_minutes_median": row(10.0), "response_minutes_median_strict": row(10.0)})
    assert same == []


def test_left_out_leads_are_counted_by_reason() -> None:
    assert notes.left_out({"spam": 3, "test": 1}) == (
        "4 leads are left out of every rate on this page: spam (3), tests (1)."
    )
    assert notes.left_out({}) == "No lead was left out."


def test_a_window_that_is_not_whole_says_so() -> None:
    tuesday = datetime(2026, 3, 3, 9, 0)  # noqa: DTZ001 (local)
    assert "not over" in notes.unfinished(WEEK, "week", WEEK, tuesday)[0]
    assert notes.unfinished(WEEK, "week", WEEK, tuesday + timedelta(weeks=1)) == []
    assert "3 of these 4 weeks" in notes.unfinished(WEEK, "trailing_4w", WEEK, tuesday + timedelta(weeks=1))[0]


def weeks(values: list[float | None]) -> list[dict[str, Any]]:
    return [row(v, (v and v / 2, v and v * 2), week_start=WEEK + timedelta(weeks=n)) for n, v in enumerate(values)]


@pytest.mark.parametrize("metric", [MEDIAN, RATE])
def test_no_trend_without_its_denominator(metric: dict[str, Any]) -> None:
    values = [0.4, None, 0.5, 0.45]
    fig = trend.chart({"week": weeks(values), "trailing_12w": weeks(values)}, metric, WEEK, WEEK, "USD")
    bars = [trace for trace in fig.data if trace.type == "bar"]
    assert [list(bar.y) for bar in bars] == [[274] * 4]
    hovers = [text for trace in fig.data if trace.customdata is not None for text in trace.customdata]
    assert hovers
    assert all("145 of 274" in text for text in hovers)
    assert fig.layout.yaxis.title.text in ("minutes", "% of leads")


def test_a_freak_week_does_not_flatten_the_chart_but_is_shown() -> None:
    fig = trend.chart({"week": weeks([60.0] * 20 + [9000.0]), "trailing_12w": []}, MEDIAN, WEEK, WEEK, "USD")
    beyond = next(trace for trace in fig.data if trace.name == "beyond the chart")
    assert "6 days 6 h" in beyond.customdata[0]
    assert fig.layout.yaxis.range[1] < 100


def test_empty_trends_draw() -> None:
    for metric in (MEDIAN, RATE, COUNT):
        assert trend.chart({"week": [], "trailing_12w": []}, metric, WEEK, WEEK, "USD") is not None


def test_a_breakdown_is_ranked_best_first_and_escapes_names() -> None:
    found = {
        "slow": {MEDIAN["metric_id"]: row(90.0)},
        "<b>fast</b>": {MEDIAN["metric_id"]: row(5.0, (1.0, 9.0))},
        "waiting": {MEDIAN["metric_id"]: row(None)},
        "empty": {MEDIAN["metric_id"]: row(None, denominator=0)},
    }
    ranked = breakdown.ranked(found, MEDIAN)
    assert [value for value, _ in ranked] == ["<b>fast</b>", "slow", "waiting"]
    labels = [note.text for note in breakdown.chart(ranked, MEDIAN, "", "USD").layout.annotations]
    assert all("274 leads" in label for label in labels)
    assert "&lt;b&gt;fast" in labels[0]
    assert "more than half still waiting" in labels[2]
