"""The small chart of a card: single weeks faint, 12 weeks together as a line, the chosen week marked. Nothing moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from dashboards import theme
from dashboards.components.formats import count, day, duration, figure, money, share
from dashboards.components.trend import RELIABILITY, highest, is_tally, trailing_weeks
from dashboards.queries import PERIODS, Row

Small = tuple[dict[str, Any], str]  # the chart as Plotly's dictionary, and what it shows in words
WEEKS_SHOWN = 26
CONFIG = {"staticPlot": True, "responsive": True}
HOURS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 72, 120, 240, 480)
STEPS = {
    "share": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "minutes": (1, 2, 3, 5, 10, 15, 20, 30, 45, *(60 * hours for hours in HOURS)),
}


def chart(
    rows: Mapping[str, Sequence[Row]],
    now: Row,
    metric: Row,
    chosen: date,
    first_week: date,
    *,
    currency: str,
    running: bool,
    height: int = 60,
) -> Small | None:
    """The small chart of one figure, none where there is nothing to draw."""
    since = max(first_week, chosen - timedelta(weeks=WEEKS_SHOWN - 1))
    weekly = [row for row in rows["week"] if since <= row["week_start"] <= chosen and row["value"] is not None]
    line = trailing_weeks(rows["trailing_12w"], first_week, since, chosen)
    if not weekly and not line:
        return None
    tally = is_tally(metric)
    scale = 12 if tally else 1  # a total of 12 weeks beside single ones: per week
    along = [row["value"] / scale for row in line]
    mark = None if tally else now["value"]
    single = [row["value"] for row in weekly]
    needed = [*along, *(single if tally else []), *([] if mark is None else [mark])]
    top = _round_up(highest(single, needed), metric["unit"])
    hollow = now["reliability"] != "ok"
    if tally:
        window = chosen - timedelta(weeks=PERIODS[now["period"]] - 1)
        traces: list[dict[str, Any]] = [_bars(weekly, window, chosen if running else None, top)]
    else:
        traces = [_dots(weekly, top)]
    traces.append(
        {"type": "scatter", "x": [row["week_start"].isoformat() for row in line], "y": along, "mode": "lines",
         "line": {"color": theme.ACCENT, "width": 2}}
    )  # fmt: skip
    if not tally and now["denominator"]:
        waiting = mark is None
        traces.append(
            {"type": "scatter", "x": [chosen.isoformat()], "y": [top if mark is None else min(mark, top)],
             "mode": "markers", "cliponaxis": False,
             "marker": {"size": 8, "symbol": "triangle-up" if waiting else "circle",
                        "color": theme.CARD if hollow or waiting else theme.ACCENT,
                        "line": {"color": theme.WORSE if waiting else theme.ACCENT, "width": 2}}}
        )  # fmt: skip
    layout = _layout(since, chosen, top, _tick(top, metric["unit"], currency), height)
    return {"data": traces, "layout": layout}, _words(line, along, now, metric, chosen, currency)


def _dots(weekly: Sequence[Row], top: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [row["week_start"].isoformat() for row in weekly],
        "y": [min(row["value"], top) for row in weekly],
        "mode": "markers",
        "cliponaxis": False,
        "marker": {"size": 3.5, "color": theme.DOT},
    }


def _bars(weekly: Sequence[Row], window: date, running: date | None, top: float) -> dict[str, Any]:
    """A bar a week: those that the card adds up darker, one that is still filling up hollow."""
    own = [theme.ACCENT_MID if row["week_start"] >= window else theme.FAINT for row in weekly]
    fill = [theme.CARD if row["week_start"] == running else colour for row, colour in zip(weekly, own, strict=True)]
    return {
        "type": "bar",
        "x": [row["week_start"].isoformat() for row in weekly],
        "y": [min(row["value"], top) for row in weekly],
        "marker": {"color": fill, "line": {"color": own, "width": 1}},
    }


def _round_up(value: float, unit: str) -> float:
    """The next round number: the top of the axis, the only one it names besides none."""
    if unit == "seconds":
        return 60 * _round_up(value / 60, "minutes")
    for step in STEPS.get(unit, ()):
        if value <= step:
            return float(step)
    if unit == "minutes":
        return 1440 * _round_up(value / 1440, "count")
    size = 10.0 ** (len(str(int(value))) - 1)
    return next((size * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if value <= size * step), size * 10)


def _tick(top: float, unit: str, currency: str) -> str:
    if unit == "share":
        return share(top, 0)
    if unit in ("minutes", "seconds"):
        return duration(top / (60 if unit == "seconds" else 1))
    return money(top, currency).replace(".00", "") if unit == "money" else count(top)


def _layout(since: date, chosen: date, top: float, tick: str, height: int) -> dict[str, Any]:
    ends = ((0, "left", since), (1, "right", chosen + timedelta(days=6)))
    return {
        "template": "none",
        "height": height,
        "margin": {"l": 2, "r": 14 + 6 * len(tick), "t": 8, "b": 16},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": theme.SOFT_INK, "size": 11, "family": theme.FONT},
        "showlegend": False,
        "bargap": 0.25,
        "xaxis": {"type": "date", "visible": False, "fixedrange": True,
                  "range": [(since - timedelta(days=4)).isoformat(), (chosen + timedelta(days=4)).isoformat()]},
        "yaxis": {"side": "right", "fixedrange": True, "range": [0, top], "tickvals": [0, top], "ticktext": ["0", tick],
                  "showgrid": False, "zeroline": False, "ticks": ""},
        # Grid lines at the very ends of an axis are left out by Plotly.
        "shapes": [
            {"type": "line", "layer": "below", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
             "line": {"color": theme.LINE if y else theme.FAINT, "width": 1}}
            for y in (0, top)
        ],
        "annotations": [
            {"x": x, "xref": "paper", "xanchor": anchor, "y": 0, "yref": "paper", "yanchor": "top", "showarrow": False,
             "text": day(when, year=False), "yshift": -1}
            for x, anchor, when in ends
        ],
    }  # fmt: skip


def _words(line: Sequence[Row], along: Sequence[float], now: Row, metric: Row, chosen: date, currency: str) -> str:
    """The chart for those who hear it."""
    unit, value = metric["unit"], now["value"]
    parts = [f"{metric['label']} up to {day(chosen + timedelta(days=6))}: {figure(value, unit, currency)}"]
    if now["reliability"] in RELIABILITY:
        parts[0] += f" ({RELIABILITY[now['reliability']]})"
    if line:
        low, high, last = (figure(found, unit, currency) for found in (min(along), max(along), along[-1]))
        each = "12 weeks together, per week" if is_tally(metric) else "12 weeks together"
        parts.append(f"{each}: now {last}, between {low} and {high} since {day(line[0]['week_start'])}")
    return ". ".join(parts) + "."
