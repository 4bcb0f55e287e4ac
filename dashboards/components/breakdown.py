"""One figure side by side for every source, agent, ...: ranked, with its likely range and how many leads it rests on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboards import theme
from dashboards.components.formats import chart_text, count, figure, likely_range, slice_value
from dashboards.components.trend import RELIABILITY, scale
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


def ranked(found: Mapping[str, Mapping[str, Row]], metric: Row) -> list[tuple[str, Row]]:
    """The values with the most leads behind them, best first; those without a figure last."""
    rows = [(value, by_metric[metric["metric_id"]]) for value, by_metric in found.items()
            if metric["metric_id"] in by_metric and by_metric[metric["metric_id"]]["denominator"]]
    most = sorted(rows, key=lambda row: (-row[1]["denominator"], row[0]))[:SHOWN]
    sign = -1 if metric["better"] == "higher" else 1
    return sorted(most, key=lambda row: (row[1]["value"] is None, sign * (row[1]["value"] or 0), row[0]))


def chart(rows: list[tuple[str, Row]], metric: Row, chosen: str, currency: str) -> go.Figure:
    """A dot and its likely range for each value, and beside it a bar: the leads it rests on."""
    known = [row["value"] for _, row in rows if row["value"] is not None]
    top = max(known, default=1.0) * 1.6
    divisor, axis = scale(top / 1.6, metric["unit"])
    if metric["unit"] == "share":
        top = 1.0
    names = [f"<b>{chart_text(slice_value(value))}</b>" if value == chosen else chart_text(slice_value(value))
             for value, _ in rows]
    fig = make_subplots(rows=1, cols=2, shared_yaxes=True, column_widths=[0.74, 0.26], horizontal_spacing=0.04)
    for name, (_, row) in zip(names, rows, strict=True):
        if row["ci_low"] is not None:
            high = top if row["ci_high"] is None else min(row["ci_high"], top)
            fig.add_scatter(x=[row["ci_low"] / divisor, high / divisor], y=[name, name], mode="lines",
                            line={"color": "#a9c4e0", "width": 8}, hoverinfo="skip", showlegend=False, row=1, col=1)
    fig.add_scatter(
        x=[None if row["value"] is None else row["value"] / divisor for _, row in rows],
        y=names,
        mode="markers",
        marker={
            "size": 12,
            "color": [theme.ACCENT if row["reliability"] == "ok" else theme.CARD for _, row in rows],
            "line": {"color": theme.ACCENT, "width": 2},
        },
        customdata=[_hover(value, row, metric, currency) for value, row in rows],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
        row=1,
        col=1,
    )
    waiting = [(name, value, row) for name, (value, row) in zip(names, rows, strict=True) if row["value"] is None]
    if waiting:
        fig.add_scatter(
            x=[top / divisor * 0.5] * len(waiting), y=[name for name, _, _ in waiting], mode="text",
            text=["more than half still waiting"] * len(waiting), textfont={"color": theme.WORSE, "size": 12},
            hoverinfo="skip", showlegend=False, row=1, col=1,
        )
    fig.add_bar(
        x=[row["denominator"] for _, row in rows], y=names, orientation="h", marker={"color": theme.FAINT},
        text=[count(row["denominator"]) for _, row in rows], textposition="outside", cliponaxis=False,
        hovertemplate="%{x:,} leads counted<extra></extra>", showlegend=False, row=1, col=2,
    )
    fig.update_layout(
        height=90 + 34 * len(rows), margin={"l": 8, "r": 24, "t": 24, "b": 8}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)", font={"color": theme.INK, "size": 13}, bargap=0.45, dragmode=False,
        hoverlabel={"bgcolor": theme.CARD, "font": {"color": theme.INK, "size": 13}, "bordercolor": theme.FAINT},
    )
    fig.update_yaxes(fixedrange=True, autorange="reversed", automargin=True, showgrid=False)
    fig.update_xaxes(fixedrange=True, gridcolor=theme.LINE, zerolinecolor=theme.LINE)
    fig.update_xaxes(title=axis, range=[0, top / divisor], row=1, col=1)
    fig.update_xaxes(title="leads", showticklabels=False, rangemode="tozero", row=1, col=2)
    return fig


def _hover(value: str, row: Row, metric: Row, currency: str) -> str:
    lines = [f"<b>{chart_text(slice_value(value), 60)}</b>", figure(row["value"], metric["unit"], currency),
             f"{count(row['numerator'])} of {count(row['denominator'])} leads"]
    if likely := likely_range(row["ci_low"], row["ci_high"], metric["unit"]):
        lines.append(likely)
    if row["reliability"] in RELIABILITY:
        lines.append(RELIABILITY[row["reliability"]])
    return "<br>".join(lines)


def table(found: Mapping[str, Mapping[str, Row]], definitions: Mapping[str, Row], heading: str,
          currency: str) -> pd.DataFrame:
    """All values with the main figures, in words, those with the most leads first."""
    shown = [metric for metric in TABLE if metric in definitions
             and any(metric in by_metric for by_metric in found.values())]
    order = sorted(found, key=lambda value: (-(_value(found[value], "leads_eligible") or 0), value))
    return pd.DataFrame([
        {heading: slice_value(value)}
        | {definitions[metric]["label"]: figure(_value(found[value], metric), definitions[metric]["unit"], currency)
           for metric in shown}
        for value in order
    ])


def _value(by_metric: Mapping[str, Row], metric: str) -> float | None:
    return by_metric[metric]["value"] if metric in by_metric else None
