"""The small chart of a card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboards import theme
from dashboards.components import spark
from tests.dashboard.test_cards import COUNT, MEDIAN, RATE, WEEK, row, weeks

LAST = WEEK + timedelta(weeks=19)


def draw(
    values: list[float | None], metric: dict[str, Any], *, running: bool = False, **now: Any
) -> tuple[dict[str, Any], str]:
    weekly = weeks(values)
    shown = {**weekly[-1], **now}
    small = spark.chart(
        {"week": weekly, "trailing_12w": weekly}, shown, metric, LAST, WEEK, currency="USD", running=running
    )
    assert small
    return small


def test_single_weeks_the_line_of_12_whole_weeks_and_the_figure_itself() -> None:
    figure, words = draw([0.25] * 19 + [0.35], RATE)
    dots, line, mark = figure["data"]
    assert len(dots["x"]) == 20
    assert line["x"][0] == (WEEK + timedelta(weeks=11)).isoformat()
    assert (mark["x"], mark["y"], mark["marker"]["color"]) == ([LAST.isoformat()], [0.35], theme.ACCENT)
    assert figure["layout"]["yaxis"]["ticktext"] == ["0", "40 %"]
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["Mar 2", "Jul 19"]
    assert words == (
        "Contact rate up to Jul 19, 2026: 35.0 %. 12 weeks together: now 35.0 %, between 25.0 % and 35.0 % since"
        " May 18, 2026."
    )


@pytest.mark.parametrize("reliability", ["small", "too_early"])
def test_a_figure_that_cannot_be_leaned_on_is_hollow(reliability: str) -> None:
    figure, words = draw([0.25] * 20, RATE, reliability=reliability)
    assert figure["data"][-1]["marker"]["color"] == theme.CARD
    assert "few leads" in words or "too early" in words


def test_most_still_waiting_is_marked_at_the_top() -> None:
    figure, _ = draw([*[50.0] * 19, None], MEDIAN)
    mark = figure["data"][-1]
    assert (mark["y"], mark["marker"]["symbol"]) == ([figure["layout"]["yaxis"]["range"][1]], "triangle-up")
    assert figure["layout"]["yaxis"]["ticktext"] == ["0", "1 h"]


def test_counts_are_bars_and_12_weeks_are_told_per_week() -> None:
    figure, words = draw([12.0] * 20, COUNT, running=True, period="trailing_4w", denominator=None)
    bars, line = figure["data"]
    assert bars["marker"]["line"]["color"].count(theme.ACCENT_MID) == 4
    assert bars["marker"]["color"][-1] == theme.CARD
    assert set(line["y"]) == {1.0}
    assert "12 weeks together, per week: now 1" in words


@pytest.mark.parametrize(
    ("value", "unit", "tick"),
    [(0.0, "count", "1"), (7.0, "count", "8"), (11.0, "count", "15"), (810.0, "count", "1,000"),
     (0.034, "share", "10 %"), (0.97, "share", "100 %"), (70.0, "minutes", "2 h"), (4000.0, "minutes", "3 days"),
     (100_000.0, "minutes", "80 days"), (90.0, "seconds", "2 min"), (1919.27, "money", "$2,000")],
)  # fmt: skip
def test_an_axis_ends_at_a_round_number(value: float, unit: str, tick: str) -> None:
    assert spark._tick(spark._round_up(value, unit), unit, "USD") == tick


def test_nothing_to_draw_is_no_chart() -> None:
    assert (
        spark.chart({"week": [], "trailing_12w": []}, row(None), RATE, LAST, WEEK, currency="USD", running=False)
        is None
    )
