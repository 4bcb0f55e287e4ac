"""The trend chart: weekly values, their likely range, the trailing 12 weeks, and how many leads stand behind each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import theme
from dashboards.components.formats import chart_text, count, counted, figure, likely_range, period_span
from dashboards.queries import Row

WEEKS_SHOWN = 52
RELIABILITY = {"too_early": "too early to judge", "small": "few leads"}
HOVER = {
    "bgcolor": theme.CARD,
    "font": {"color": theme.INK, "size": 13, "family": theme.FONT},
    "bordercolor": theme.FAINT,
}
NOTHING: dict[str, list[Row]] = {"week": [], "trailing_12w": []}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def scale(largest: float | None, unit: str, of: str = "leads") -> tuple[float, str]:
    """By what to divide values for the axis, and the axis' title."""
    if unit == "share":
        return 0.01, f"% of {of}"
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
    trailing = trailing_weeks(rows["trailing_12w"], first_week, since, until)
    if is_tally(metric):
        return _counts(weekly, trailing, metric, chosen, currency)
    top, of = _top(weekly, trailing, chosen, metric["unit"]), counted(metric["metric_id"])
    divisor, axis = scale(top, metric["unit"], of)
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.06)
    _band(fig, trailing, divisor, top)
    _range_of_chosen(fig, weekly, chosen, divisor, top)
    _weeks(fig, weekly, metric, divisor=divisor, top=top, currency=currency)
    _line(fig, trailing, metric, divisor, currency, "12 weeks together")
    _bars(fig, weekly, chosen, of)
    _look(fig, 400)
    fig.update_yaxes(title=axis, range=[0, top / divisor * 1.04], row=1, col=1)
    fig.update_yaxes(title=of.split(" with")[0], rangemode="tozero", nticks=3, row=2, col=1)
    fig.add_vline(x=chosen.isoformat(), line={"color": theme.ACCENT, "width": 1, "dash": "dot"}, opacity=0.6)
    return fig


def is_tally(metric: Row) -> bool:
    """Whether a metric is counted or added up: its window is a total, not a share or a median."""
    return metric["kind"] in ("count", "sum")


def trailing_weeks(rows: Sequence[Row], first_week: date, since: date, until: date) -> list[Row]:
    """The points of the line of 12 weeks together: where there is a figure that can be judged, of 12 whole weeks."""
    whole = first_week + timedelta(weeks=11)
    # A window that reaches back before the data is not 12 weeks, unless the data never get that long.
    start = max(since, whole if any(row["week_start"] > whole for row in rows) else first_week)
    return [
        row
        for row in rows
        if start <= row["week_start"] <= until and row["value"] is not None and row["reliability"] != "too_early"
    ]


def highest(weekly: Sequence[float], needed: Sequence[float]) -> float:
    """How high an axis has to go: as what it must show, and as most weeks. A freak week must not flatten the rest."""
    values = sorted(weekly)
    usual = values[: max(1, len(values) * 9 // 10)] if len(values) > 10 else values
    return max([*usual, *needed], default=0.0) or 1.0


def _top(weekly: Sequence[Row], trailing: Sequence[Row], chosen: date, unit: str) -> float:
    """How high the axis goes: the line with its range, the chosen week and most others."""
    needed = [row[part] for row in trailing for part in ("value", "ci_high") if row[part] is not None]
    needed += [row["value"] for row in weekly if row["week_start"] == chosen and row["value"] is not None]
    top = highest([row["value"] for row in weekly if row["value"] is not None], needed) * 1.15
    return min(top, 1.0) if unit == "share" else top


def _band(fig: go.Figure, trailing: Sequence[Row], divisor: float, top: float) -> None:
    """The likely range of the 12 weeks; where its upper end is not known yet, up to the edge of the chart."""
    known = [row for row in trailing if row["ci_low"] is not None]
    if not known:
        return
    weeks = [row["week_start"] for row in known]
    high = [top * 1.1 if row["ci_high"] is None else row["ci_high"] for row in known]
    fig.add_scatter(
        x=[*weeks, *reversed(weeks)],
        y=[value / divisor for value in (*high, *(row["ci_low"] for row in reversed(known)))],
        fill="toself",
        fillcolor=theme.ACCENT_SOFT,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name="likely range",
        legendgroup="range",
        legendrank=1001,
        row=1,
        col=1,
    )


def _range_of_chosen(fig: go.Figure, weekly: Sequence[Row], chosen: date, divisor: float, top: float) -> None:
    """The likely range of the chosen week, as a bar behind its dot."""
    for row in weekly:
        if row["week_start"] == chosen and row["ci_low"] is not None:
            high = top * 1.1 if row["ci_high"] is None else row["ci_high"]
            fig.add_scatter(
                x=[chosen, chosen],
                y=[row["ci_low"] / divisor, high / divisor],
                mode="lines",
                line={"color": theme.ACCENT_MID, "width": 5},
                hoverinfo="skip",
                name="likely range",
                legendgroup="range",
                showlegend=False,
                row=1,
                col=1,
            )


def _weeks(fig: go.Figure, weekly: Sequence[Row], metric: Row, *, divisor: float, top: float, currency: str) -> None:
    """A dot a week: full where it can be judged, hollow where few leads or little time stand behind it."""
    inside = [row for row in weekly if row["value"] is not None and row["value"] <= top]
    beyond = [row for row in weekly if row["value"] is not None and row["value"] > top]
    waiting = [row for row in weekly if row["value"] is None and row["denominator"] and metric["kind"] == "survival"]
    full, hollow = (
        {"size": 7, "color": colour, "line": {"color": edge, "width": 1.5}}
        for colour, edge in ((theme.SOFT_INK, theme.SOFT_INK), (theme.CARD, theme.DOT))
    )
    for name, found, marker in (
        ("one week", [row for row in inside if row["reliability"] == "ok"], full),
        ("few leads or too early", [row for row in inside if row["reliability"] != "ok"], hollow),
        ("beyond the chart", beyond, {"symbol": "triangle-up", "size": 9, "color": theme.DOT}),
        ("most still waiting", waiting, {"symbol": "triangle-up-open", "size": 9, "color": theme.WORSE}),
    ):
        if found:
            fig.add_scatter(
                x=[row["week_start"] for row in found],
                y=[(top if row["value"] is None else min(row["value"], top)) / divisor for row in found],
                customdata=[_hover(row, metric, "week", currency) for row in found],
                name=name,
                mode="markers",
                cliponaxis=False,
                marker=marker,
                hovertemplate="%{customdata}<extra></extra>",
                row=1,
                col=1,
            )


def _line(fig: go.Figure, trailing: Sequence[Row], metric: Row, divisor: float, currency: str, name: str) -> None:
    """The 12 weeks together, on the upper axes where there are two."""
    fig.add_scatter(
        x=[row["week_start"] for row in trailing],
        y=[row["value"] / divisor for row in trailing],
        customdata=[_hover(row, metric, "trailing_12w", currency) for row in trailing],
        name=name,
        mode="lines",
        line={"color": theme.ACCENT, "width": 3},
        hovertemplate="%{customdata}<extra></extra>",
    )


def _bars(fig: go.Figure, weekly: Sequence[Row], chosen: date, of: str) -> None:
    """How many leads, appointments, ... each week's figure is out of."""
    fig.add_bar(
        x=[row["week_start"] for row in weekly],
        y=[row["denominator"] or 0 for row in weekly],
        name=f"{of} counted",
        marker={"color": [theme.ACCENT if row["week_start"] == chosen else theme.FAINT for row in weekly]},
        hovertemplate=f"%{{y:,}} {of} counted<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )


def _counts(weekly: Sequence[Row], trailing: Sequence[Row], metric: Row, chosen: date, currency: str) -> go.Figure:
    """Bars for what is counted or summed and has no share, and what 12 weeks together come to, per week."""
    fig = go.Figure()
    fig.add_bar(
        x=[row["week_start"] for row in weekly],
        y=[row["value"] for row in weekly],
        customdata=[_hover(row, metric, "week", currency) for row in weekly],
        marker={"color": [theme.ACCENT_MID if row["week_start"] == chosen else theme.FAINT for row in weekly]},
        hovertemplate="%{customdata}<extra></extra>",
        name="one week",
    )
    _line(fig, trailing, metric, 12, currency, "12 weeks together, per week")
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
