"""ROI by source: a mark whose shape and colour is the verdict, and above it the figures that it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboards import theme
from dashboards.components.breakdown import row_chart
from dashboards.components.economics import VERDICTS, real, sureness
from dashboards.components.formats import chart_text, count, money, percent, slice_value
from dashboards.queries import Row

SHOWN = 14
_MARKS = {
    "feed": ("circle", theme.BETTER, theme.BETTER),
    "keep": ("diamond", theme.ACCENT, theme.ACCENT),
    "stop": ("square", theme.WORSE, theme.WORSE),
    "too early": ("circle", theme.CARD, theme.DOT),
}


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The sources with a ROI that cost most, the best first."""
    most = sorted((row for row in real(rows) if row["roi"] is not None), key=lambda row: (-row["cost"], row["source"]))[
        :SHOWN
    ]
    return sorted(most, key=lambda row: (-row["roi"], row["source"]))


def chart(rows: Sequence[Row], currency: str, limits: tuple[float, float] | None, chosen: str = "") -> go.Figure:
    """A line from 0 % to the ROI of each source of `ranked`; above it its verdict, cost, leads and closings."""
    low, high = _edges([row["roi"] for row in rows], limits)
    fig = go.Figure()
    for place, row in enumerate(rows):
        _, colour, line = _MARKS[row["verdict"]]
        fig.add_scatter(
            x=[0, max(min(row["roi"], high), low) * 100],
            y=[place, place],
            mode="lines",
            line={"color": theme.FAINT if colour == theme.CARD else line, "width": 4},
            opacity=0.45,
            hoverinfo="skip",
        )
        ink = theme.SOFT_INK if line == theme.DOT else line
        name = chart_text(slice_value(row["source"]), 30)
        cost = chart_text(money(row["cost"], currency, 0))
        fig.add_annotation(
            x=0,
            xref="paper",
            y=place,
            yshift=27,
            xanchor="left",
            align="left",
            showarrow=False,
            bgcolor=theme.CARD,
            borderpad=0,
            text=f"<b>{name}</b>{' ◂' if row['source'] == chosen else ''}  {percent(row['roi'])}"
            f"  <b><span style='color:{ink}'>{VERDICTS[row['verdict']]}</span></b>"
            f"<br><span style='color:{theme.SOFT_INK}'>{cost} · {_of(row['leads_eligible'], 'lead')}"
            f" · {_of(row['closes'], 'closing')}</span>",
        )
    fig.add_scatter(
        x=[max(min(row["roi"], high), low) * 100 for row in rows],
        y=list(range(len(rows))),
        mode="markers",
        marker={
            "size": 13,
            "symbol": [_symbol(row, low, high) for row in rows],
            "color": [_MARKS[row["verdict"]][1] for row in rows],
            "line": {"color": [_MARKS[row["verdict"]][2] for row in rows], "width": 2},
        },
        cliponaxis=False,
        customdata=[_hover(row, currency) for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )
    for limit, words, side in ((limits[0], "feed ▸", "left"), (limits[1], "◂ stop", "right")) if limits else ():
        fig.add_vline(x=limit * 100, line={"color": theme.DOT, "width": 1, "dash": "dot"})
        fig.add_annotation(
            x=limit * 100, y=1, yref="paper", yanchor="bottom", yshift=2, xanchor=side, showarrow=False, text=words,
            font={"color": theme.SOFT_INK, "size": 12},
        )  # fmt: skip
    row_chart(fig, height=110 + 64 * len(rows), right=20, top=26)
    fig.update_yaxes(fixedrange=True, range=[len(rows) - 0.6, -0.85], visible=False)
    fig.update_xaxes(
        fixedrange=True, gridcolor=theme.LINE, zerolinecolor=theme.FAINT, title="ROI, % of cost", nticks=7,
        range=[low * 100, high * 100],
    )  # fmt: skip
    return fig


def _edges(values: Sequence[float], limits: tuple[float, float] | None) -> tuple[float, float]:
    """How far the axis goes: what is far beyond the threshold sits at its end, so that the others can be told apart."""
    feed = max(limits[0] if limits else 1.0, 0.5)
    high, low = min(max(values), 3 * feed), max(min(values), -3.0)
    return min(-1.0, low) * 1.05, max(high, feed) * 1.08


def _symbol(row: Row, low: float, high: float) -> str:
    if row["roi"] > high:
        return "triangle-right"
    return "triangle-left" if row["roi"] < low else _MARKS[row["verdict"]][0]


def _hover(row: Row, currency: str) -> str:
    lines = [
        f"<b>{chart_text(slice_value(row['source']), 60)}</b>",
        f"ROI {percent(row['roi'])}: {VERDICTS[row['verdict']].lower()}",
        f"Cost {chart_text(money(row['cost'], currency))}",
        f"Company dollar {chart_text(money(row['company_dollar'], currency))}",
        f"{_of(row['leads_eligible'], 'lead')}, {_of(row['closes'], 'closing')}",
        f"Confidence {sureness(row['confidence'])}",
    ]
    return "<br>".join(lines)


def _of(number: int, one: str) -> str:
    return f"{count(number)} {one}{'' if number == 1 else 's'}"
