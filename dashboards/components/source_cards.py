"""Every source as a card: whether it keeps up, how far it reaches, and how many rows of it happened each day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import queries, theme
from dashboards.components import layout, loaded, spark
from dashboards.components.formats import count, day, duration, moment, plain

OLD_AFTER = timedelta(days=3)
"""Behind the clock, as a source is behind the others: what a build calls late."""

Days = Mapping[date, int]


def state(source: queries.Row, days: Days, last: date | None, now: datetime) -> tuple[str, str, str]:
    """Whether a source keeps up: words, colour of the badge, icon.

    `days`: its rows a day; `last`: the newest day of any source; `now`: the clock.
    """
    through = source["data_through"]
    if through is None and days and last:
        behind = last - max(days)
        if behind > OLD_AFTER:
            return f"last row {count(behind.days)} days before the newest", "orange", ":material/warning:"
        return "up to date", "green", ":material/check_circle:"
    if through is None:
        return "no times to tell by", "gray", ":material/remove:"
    if source["is_stale"]:
        return f"{duration(source['days_behind'] * 1440)} behind the newest", "red", ":material/error:"
    if now - through > OLD_AFTER:
        return f"nothing for {duration((now - through).total_seconds() / 60)}", "orange", ":material/warning:"
    return "up to date", "green", ":material/check_circle:"


def show(sources: list[queries.Row], per_day: Mapping[str, Days], build: queries.Row) -> None:
    """The cards, those that lag first; below them how each is read."""
    now = datetime.now(UTC)
    order = {"red": 0, "orange": 1}
    last = max((when for days in per_day.values() for when in days), default=None)
    grid = st.grid(2, min_column_width=320)
    cards = [(source, days := per_day.get(source["source"], {}), state(source, days, last, now)) for source in sources]
    for number, (source, days, is_now) in enumerate(sorted(cards, key=lambda card: order.get(card[2][1], 2))):
        with grid.container(key=f"panel-source-{number}", gap="xsmall"):
            _head(source, days, is_now, now)
            if days and last:
                figure, told = chart(days, last)
                st.plotly_chart(figure, theme=None, config=spark.CONFIG, key=f"days-{number}", alt=told)
                st.caption(told)
    if not sources:
        st.markdown("No source was loaded.")
    with st.expander("How each source is read"):
        st.dataframe(pd.DataFrame(loaded.source_rows(sources)), hide_index=True, column_config=loaded.source_columns(),
                     placeholder="")  # fmt: skip
    st.caption(f"Times are {layout.zone(build)}.")


def _head(source: queries.Row, days: Days, is_now: tuple[str, str, str], now: datetime) -> None:
    words, colour, icon = is_now
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(source['source'])}**")
        st.badge(plain(words), icon=icon, color=colour)  # type: ignore[arg-type]
    through = source["data_through"]
    if through is not None:
        behind = duration(max((now - through).total_seconds(), 0) / 60)
        newest = f", {duration(source['days_behind'] * 1440)} behind the newest" if source["days_behind"] else ""
        st.markdown(f"Data through **{moment(source['data_through_local'])}**")
        st.caption(f"{behind} behind the clock{newest}")
    elif days:
        st.markdown(f"Last row of **{day(max(days))}**")
        st.caption("Its rows carry days, no times")
    brought = moment(source["brought_local"])
    st.caption(f"{count(source['loaded'])} rows loaded · the last load that brought some: {brought}")


def chart(days: Days, last: date, length: int = 42) -> tuple[dict[str, Any], str]:
    """Rows a day up to `last`, and the same in words; the last week, by which a stop is seen, is darker."""
    when = [last - timedelta(days=back) for back in range(length)][::-1]
    values = [days.get(one, 0) for one in when]
    week, before = values[-7:], values[:-7]
    usual = sum(before) / len(before)
    now = f"{_mean(sum(week) / 7)} in the week to {day(last, year=False)}"
    told = f"Rows a day: {now}, {_mean(usual)} in the 5 weeks before"
    empty = next((back for back, value in enumerate(reversed(values)) if value), length)
    told += f"; none on the last {count(empty)} days." if empty > 1 else "; none on the last day." if empty else "."
    figure = {
        "data": [
            {
                "type": "bar",
                "x": [one.isoformat() for one in when],
                "y": values,
                "marker": {"color": [theme.FAINT] * len(before) + [theme.ACCENT_MID] * len(week)},
            }
        ],
        "layout": {
            "template": "none",
            "height": 64,
            "margin": {"l": 2, "r": 2, "t": 4, "b": 4},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "bargap": 0.25,
            "xaxis": {"type": "date", "visible": False},
            "yaxis": {"visible": False, "range": [0, max([*values, 1])]},
            "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
                        "line": {"color": theme.FAINT, "width": 1}}],
        },
    }  # fmt: skip
    return figure, told


def _mean(value: float) -> str:
    return count(value) if value >= 10 or value == round(value) else f"{value:.1f}"
