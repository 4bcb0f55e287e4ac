"""The trend chart: weekly values, their likely range, the trailing 12 weeks, and how many leads stand behind each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import theme
from dashboards.components.formats import chart_text, count, figure, likely_range, period_span
from dashboards.queries import Row

WEEKS_SHOWN = 52
RELIABILITY = {"too_early": "too early to judge", "small": "few leads"}
HOVER = {
    "bgcolor": theme.CARD,
    "font": {"color": theme.INK, "size": 13, "family": theme.FONT},
    "bordercolor": theme.FAINT,
}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def scale(largest: float | None, unit: str) -> tuple[float, str]:
    """By what to divide values for the axis, and the axis' title."""
    if unit == "share":
        return 0.01, "% of leads"
    if unit in ("minutes", "seconds"):
        minutes = (largest or 0) / (60 if unit == "seconds" else 1)
        size, name = (1, "minutes") if minutes <= 120 else (60, "hours") if minutes <= 4320 else (1440, "days")
        return (size if unit == "minutes" else size * 60), name
    return 1, ""


def chart(rows: dict[str, list[Row]], metric: Row, chosen: date, first_week: date, currency: str) -> go.Figure:
    """The weeks up to a year back from the last one, or around the chosen one if that is older."""
    last = max((row["week_start"] for row in rows["week"]), default=chosen)
    until = last if chosen > last - timedelta(weeks=WEEKS_SHOWN) else chosen + timedelta(weeks=8)
    since = until - timedelta(weeks=WEEKS_SHOWN)
    weekly = [row for row in rows["week"] if since <= row["week_start"] <= until]
    trailing = [row for row in rows["trailing_12w"] if since <= row["week_start"] <= until]
    if metric["kind"] in ("count", "sum"):
        return _counts(weekly, metric, chosen, currency)
    values = [row["value"] for row in (*weekly, *trailing) if row["value"] is not None]
    divisor, axis = scale(max(values, default=None), metric["unit"])
    top = max(values, default=1.0) * (1.25 if metric["unit"] != "share" else 1.0)
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.06)
    _band(fig, weekly, divisor, top)
    _weeks(fig, weekly, metric, divisor, top, currency)
    # A window that reaches back before the data is not 12 weeks, unless the data never get that long.
    whole = first_week + timedelta(weeks=11)
    since = whole if any(row["week_start"] > whole for row in trailing) else first_week
    settled = [
        row
        for row in trailing
        if row["value"] is not None and row["reliability"] != "too_early" and row["week_start"] >= since
    ]
    fig.add_scatter(
        x=[row["week_start"] for row in settled],
        y=[row["value"] / divisor for row in settled],
        customdata=[_hover(row, metric, "trailing_12w", currency) for row in settled],
        name="12 weeks together",
        mode="lines",
        line={"color": theme.ACCENT, "width": 3},
        hovertemplate="%{customdata}<extra></extra>",
        row=1,
        col=1,
    )
    _bars(fig, weekly, chosen)
    _look(fig, 400)
    percent = metric["unit"] == "share"
    fig.update_yaxes(
        title=axis, range=[0, min(100, top / divisor * 1.1) if percent else top / divisor * 1.02], row=1, col=1
    )
    fig.update_yaxes(title="leads", rangemode="tozero", nticks=3, row=2, col=1)
    fig.add_vline(x=chosen.isoformat(), line={"color": theme.ACCENT, "width": 1, "dash": "dot"}, opacity=0.7)
    return fig


def _band(fig: go.Figure, weekly: Sequence[Row], divisor: float, top: float) -> None:
    """The likely range of each week; where its upper end is not known yet, up to the edge of the chart."""
    known = [row for row in weekly if row["ci_low"] is not None]
    runs: list[list[Row]] = []
    for row in known:
        if runs and row["week_start"] - runs[-1][-1]["week_start"] <= timedelta(weeks=1):
            runs[-1].append(row)
        else:
            runs.append([row])
    for at, run in enumerate(runs):
        weeks = [row["week_start"] for row in run]
        high = [top * 1.1 if row["ci_high"] is None else row["ci_high"] for row in run]
        fig.add_scatter(
            x=[*weeks, *reversed(weeks)],
            y=[value / divisor for value in (*high, *(row["ci_low"] for row in reversed(run)))],
            fill="toself",
            fillcolor=theme.ACCENT_SOFT,
            opacity=0.7,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            name="likely range of a week",
            legendgroup="band",
            showlegend=at == 0,
            row=1,
            col=1,
        )


def _weeks(fig: go.Figure, weekly: Sequence[Row], metric: Row, divisor: float, top: float, currency: str) -> None:
    """A dot a week: full where it can be judged, hollow where few leads or little time stand behind it."""
    groups = (
        ("one week", [row for row in weekly if row["value"] is not None and row["reliability"] == "ok"], False),
        ("few leads or too early", [r for r in weekly if r["value"] is not None and r["reliability"] != "ok"], True),
    )
    for name, found, hollow in groups:
        fig.add_scatter(
            x=[row["week_start"] for row in found],
            y=[row["value"] / divisor for row in found],
            customdata=[_hover(row, metric, "week", currency) for row in found],
            name=name,
            mode="markers",
            marker={
                "size": 7,
                "color": theme.CARD if hollow else theme.SOFT_INK,
                "line": {"color": "#8a94a1" if hollow else theme.SOFT_INK, "width": 1.5},
            },
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=bool(found),
            row=1,
            col=1,
        )
    waiting = [row for row in weekly if row["value"] is None and row["denominator"]]
    if waiting and metric["kind"] == "survival":
        fig.add_scatter(
            x=[row["week_start"] for row in waiting],
            y=[top / divisor] * len(waiting),
            customdata=[_hover(row, metric, "week", currency) for row in waiting],
            name="most still waiting",
            mode="markers",
            marker={"symbol": "triangle-up-open", "size": 9, "color": theme.WORSE},
            hovertemplate="%{customdata}<extra></extra>",
            row=1,
            col=1,
        )


def _bars(fig: go.Figure, weekly: Sequence[Row], chosen: date) -> None:
    """How many leads each week's figure is out of."""
    fig.add_bar(
        x=[row["week_start"] for row in weekly],
        y=[row["denominator"] or 0 for row in weekly],
        name="leads counted",
        marker={"color": [theme.ACCENT if row["week_start"] == chosen else theme.FAINT for row in weekly]},
        hovertemplate="%{y:,} leads counted<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )


def _counts(weekly: Sequence[Row], metric: Row, chosen: date, currency: str) -> go.Figure:
    """Bars for what is counted or summed and has no share."""
    fig = go.Figure()
    fig.add_bar(
        x=[row["week_start"] for row in weekly],
        y=[row["value"] for row in weekly],
        customdata=[_hover(row, metric, "week", currency) for row in weekly],
        marker={"color": [theme.ACCENT if row["week_start"] == chosen else theme.FAINT for row in weekly]},
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    _look(fig, 300)
    fig.update_yaxes(title=currency if metric["unit"] == "money" else chart_text(metric["label"].lower()))
    return fig


def _hover(row: Row, metric: Row, period: str, currency: str) -> str:
    """What a point says: when, how much, out of how many, how sure."""
    value = "More than half still waiting" if row["value"] is None else figure(row["value"], metric["unit"], currency)
    lines = [f"<b>{value}</b>", period_span(row["week_start"], period)]
    if row["denominator"] is not None:
        lines.append(f"{count(row['numerator'])} of {count(row['denominator'])}")
    if likely := likely_range(row["ci_low"], row["ci_high"], metric["unit"]):
        lines.append(likely)
    if row["reliability"] in RELIABILITY:
        lines.append(RELIABILITY[row["reliability"]])
    return "<br>".join(lines)


def _look(fig: go.Figure, height: int) -> None:
    fig.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": theme.INK, "size": 13, "family": theme.FONT},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        hoverlabel=HOVER,
        dragmode=False,
        bargap=0.3,
    )
    fig.update_xaxes(fixedrange=True, showgrid=False, tickformat="%b %-d\n%Y", linecolor=theme.LINE)
    fig.update_yaxes(fixedrange=True, gridcolor=theme.LINE, zerolinecolor=theme.LINE, automargin=True)
