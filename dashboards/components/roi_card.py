"""The sixth headline of *This week*: the return of twelve months of marketing, and the way to its sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.components import economics
from dashboards.components.formats import count, money, percent, plain
from dashboards.queries import ALL_SOURCES, EconomicsScope, Row, months_after

PAGE = "views/sources.py"
LABEL = "ROI, trailing 12 months"
WORDS = (
    "What the brokerage kept of the commissions of all deals that closed in these twelve months, after the agents' splits"
    " (company dollar), against what all sources cost in them: media, vendor fees, and fees for deals that closed. 0 % is"
    " money back; 200 % is three dollars back for each one."
)
FORMULA = "(company_dollar - cost) / cost, of all sources, cash view"


def month_of(week: date) -> date:
    """The first day of the twelve months that end with the month in which a week begins."""
    return months_after(week, -11)


def draw(grid: DeltaGenerator, years: Mapping[date, Row] | None, week: date, source: str, currency: str) -> None:
    """The card, as the next cell of a grid. `years`: what `queries.trailing_year` found; None in an older file."""
    start = month_of(week)
    row = (years or {}).get(start)
    text = missing(row, is_older=years is None)
    kind = "words" if text else "grey" if row and row["verdict"] == "too early" else "big"
    with grid.container(key=f"card-{kind}-roi", gap="xsmall", height="stretch"):
        scope = EconomicsScope("trailing_12m", start, "cash")
        st.metric(LABEL, "Not known" if text or row is None else percent(row["roi"]), **_delta(row, years, start))
        if years is not None:
            st.caption(f":material/history: {economics.period_name(scope)}")
        if text or row is None:
            st.markdown(text)
        else:
            earned, cost = (plain(money(row[name], currency, 0)) for name in ("company_dollar", "cost"))
            st.markdown(f"\\({earned} company dollar − {cost} cost\\) / {cost}")
            st.caption(f"{count(row['closes'])} closings. Confidence {economics.sureness(row['confidence'])}")
            if row["verdict"] == "too early":
                st.caption(":material/info: Too early to judge: too much of it is not settled yet.")
        st.caption("Cash: what was paid and earned then")
        with st.container(horizontal=True, gap="small", key="actions-roi", vertical_alignment="center"):
            with st.popover("Meaning", type="tertiary"):
                st.markdown(f"**{plain(LABEL)}**")
                st.write(plain(WORDS))
                st.caption(f"How it is computed: {plain(FORMULA)}")
            shown = {"period": scope.period, "start": start.isoformat(), "view": scope.view}
            if years is not None:
                st.page_link(
                    PAGE, label="Sources", query_params=shown | ({} if source == ALL_SOURCES else {"source": source})
                )


def missing(row: Row | None, *, is_older: bool) -> str:
    """Why there is no ROI, escaped for Markdown; empty where there is one."""
    if is_older:
        return "These figures were published before Leadhouse computed it: run `leadhouse build`."
    if row is None:
        return "Nothing was spent, came in or closed in these months."
    if row["roi"] is not None:
        return ""
    words = economics.why(row) if row["company_dollar"] is None else economics.WHY_NULL["no spend"]
    return f"{words[:1].upper()}{words[1:]}."


def _delta(row: Row | None, years: Mapping[date, Row] | None, start: date) -> dict[str, str]:
    """The move against the twelve months that ended a month before; never good or bad, as they share eleven months."""
    before = (years or {}).get(months_after(start, -1))
    if row is None or before is None or row["roi"] is None or before["roi"] is None:
        return {}
    move = row["roi"] - before["roi"]
    if abs(move) < 0.005:
        return {}
    way = "up" if move > 0 else "down"
    return {"delta": f"{abs(move) * 100:,.0f} points {way} on a month before", "delta_color": "gray", "delta_arrow": way}
