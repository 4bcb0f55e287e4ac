"""One figure side by side for every source, agent, ...: ranked, with its likely range and its number of leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboards import theme
from dashboards.components.formats import chart_text, count, counted, figure, likely_range, slice_value
from dashboards.components.trend import HOVER, RELIABILITY, scale
from dashboards.queries import Row

SHOWN = 12
TABLE = (
    "leads_eligible",
    "response_minutes_median",
    "contact_rate_48h",
    "sla_met_rate",
    "never_answered_rate",
    "spend",
)
Found = Mapping[str, Mapping[str, Row]]
Ranked = Sequence[tuple[str, Row]]


def ranked(found: Found, metric: Row) -> Ranked:
    """The values with the most leads behind them, best first; those that few leads speak for after them."""
    rows = [
        (value, by_metric[metric["metric_id"]])
        for value, by_metric in found.items()
        if metric["metric_id"] in by_metric and by_metric[metric["metric_id"]]["denominator"]
    ]
    most = sorted(rows, key=lambda row: (-row[1]["denominator"], row[0]))[:SHOWN]
    sign = -1 if metric["better"] == "higher" else 1
    return sorted(
        most,
        key=lambda row: (not sound(row[1]), row[1]["value"] is None, sign * (row[1]["value"] or 0), row[0]),
    )


def sound(row: Row) -> bool:
    """Whether a figure can be leaned on. None at all, with leads enough, says that most are still waiting."""
    return bool(row["reliability"] == "ok")


def chart(rows: Ranked, metric: Row, chosen: str, currency: str) -> go.Figure:
    """A dot on its likely range for each value; above it the name, the figure and the leads it rests on."""
    edge = 1.0 if metric["unit"] == "share" else _edge(rows)
    divisor, axis = scale(edge, metric["unit"], counted(metric["metric_id"]))
    fig = go.Figure()
    for place, (value, row) in enumerate(rows):
        if row["ci_low"] is not None and row["value"] is not None:
            high = edge if row["ci_high"] is None else min(row["ci_high"], edge)
            fig.add_scatter(
                x=[min(row["ci_low"], edge) / divisor, high / divisor],
                y=[place, place],
                mode="lines",
                line={"color": theme.ACCENT_SOFT, "width": 9},
                hoverinfo="skip",
            )
        # The name stands above its row, not beside it: beside, a phone has no room left for the dots.
        name, figure_ = chart_text(slice_value(value), 34), figure(row["value"], metric["unit"], currency)
        if row["value"] is None and metric["kind"] == "survival":
            figure_ = "more than half still waiting"
        leads = f"{count(row['denominator'])} {counted(metric['metric_id'], row['denominator'])}"
        fig.add_annotation(
            x=0,
            xref="paper",
            y=place,
            yshift=17,
            xanchor="left",
            align="left",
            showarrow=False,
            text=f"{f'<b>{name}</b>' if sound(row) else name}{' ◂' if value == chosen else ''}  {figure_}"
            f"  <span style='color:{theme.SOFT_INK}'>{leads}</span>",
        )
    fig.add_scatter(
        x=[None if row["value"] is None else min(row["value"], edge) / divisor for _, row in rows],
        y=list(range(len(rows))),
        mode="markers",
        marker={
            "size": 11,
            "symbol": ["triangle-right" if (row["value"] or 0) > edge else "circle" for _, row in rows],
            "color": [theme.ACCENT if row["reliability"] == "ok" else theme.CARD for _, row in rows],
            "line": {"color": theme.ACCENT, "width": 2},
        },
        cliponaxis=False,
        customdata=[_hover(value, row, metric, currency) for value, row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )
    row_chart(fig, height=90 + 46 * len(rows), right=16, top=16)
    fig.update_yaxes(fixedrange=True, range=[len(rows) - 0.6, -0.75], visible=False)
    fig.update_xaxes(
        fixedrange=True, gridcolor=theme.LINE, zerolinecolor=theme.LINE, title=axis, range=[0, edge / divisor], nticks=7
    )
    return fig


def row_chart(fig: go.Figure, *, height: int, right: int, top: int) -> None:
    """The look of a chart that has one line a value, named above it. Pixels."""
    fig.update_layout(
        height=height,
        margin={"l": 8, "r": right, "t": top, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": theme.INK, "size": 14, "family": theme.FONT},
        showlegend=False,
        dragmode=False,
        hoverlabel=HOVER,
    )


def _edge(rows: Ranked) -> float:
    """How far the axis goes: as far as the values that can be leaned on, if any; the rest sit at its end."""
    known = [row for _, row in rows if row["value"] is not None]
    leaned_on = [row["value"] for row in known if sound(row)]
    return float(max(leaned_on if len(leaned_on) > 2 else [row["value"] for row in known], default=1.0) * 1.4 or 1.0)


def _hover(value: str, row: Row, metric: Row, currency: str) -> str:
    lines = [
        f"<b>{chart_text(slice_value(value), 60)}</b>",
        figure(row["value"], metric["unit"], currency),
        f"{count(row['numerator'])} of {count(row['denominator'])} {counted(metric['metric_id'])}",
    ]
    if likely := likely_range(row["ci_low"], row["ci_high"], metric["unit"]):
        lines.append(likely)
    if row["reliability"] in RELIABILITY:
        lines.append(RELIABILITY[row["reliability"]])
    return "<br>".join(lines)


def table(
    found: Found, definitions: Mapping[str, Row], heading: str, currency: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """All values with the main figures, as numbers that sort, those with the most leads first; and the columns."""
    shown = [
        metric for metric in TABLE if metric in definitions and any(metric in by_metric for by_metric in found.values())
    ]
    order = sorted(found, key=lambda value: (-(_value(found[value], "leads_eligible") or 0), value))
    columns: dict[str, Any] = {heading: st.column_config.TextColumn()}
    data: dict[str, Any] = {heading: [slice_value(value) for value in order]}
    for metric in shown:
        label, unit = definitions[metric]["label"], definitions[metric]["unit"]
        values = [_value(found[value], metric) for value in order]
        if unit == "minutes":
            data[label] = pd.to_timedelta([None if v is None else _seconds(v) for v in values], unit="s")
            columns[label] = st.column_config.NumberColumn(format="localized", alignment="right")
        elif unit == "share":
            data[label] = [None if value is None else value * 100 for value in values]
            columns[label] = st.column_config.NumberColumn(format="%.1f %%")
        else:
            data[label] = values
            columns[label] = st.column_config.NumberColumn(format="%,.2f" if unit == "money" else "%d")
            if unit == "money":
                columns[label] = st.column_config.NumberColumn(f"{label}, {currency}", format="%,.2f")
    return pd.DataFrame(data), columns


def _seconds(minutes: float) -> int:
    """Whole seconds; whole minutes from ten minutes on, where seconds say nothing."""
    return round(minutes * 60) if minutes < 10 else round(minutes) * 60


def _value(by_metric: Mapping[str, Row], metric: str) -> float | None:
    value: float | None = by_metric[metric]["value"] if metric in by_metric else None
    return value
