"""The sixth headline of *This week*: the return of twelve months of marketing, and the way to its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.components import economics
from dashboards.components.formats import count, money, percent, plain
from dashboards.queries import ALL_SOURCES, EconomicsScope, Row, months_after

PAGE = "views/sources.py"
LABEL = "ROI, trailing 12 months"
WORDS = (
    "What the brokerage kept of the commissions of the deals that closed in these twelve months, after the agents'"
    " splits (company dollar), against what the sources cost in them: media, vendor fees, and fees for deals that"
    " closed. 0 % is money back; 200 % is three dollars back for each one."
)
FORMULA = "(company_dollar - cost) / cost, of all sources, cash view"


@dataclass(frozen=True)
class Years:
    """What the card shows: the trailing years by their first day, and the sources of each verdict in words."""

    by_start: Mapping[date, Row]
    named: Mapping[str, str]


def scope_of(week: date) -> EconomicsScope:
    """The twelve months that end with the month in which a week begins, as they were paid and earned."""
    return EconomicsScope("trailing_12m", months_after(week, -11), "cash")


def draw(grid: DeltaGenerator, years: Years | None, week: date, source: str, currency: str) -> None:
    """The card, as the next cell of a grid. `years`: None in an older file."""
    scope = scope_of(week)
    row = years.by_start.get(scope.start) if years else None
    lacks = missing(row, is_older=years is None)
    kind = "words" if lacks else "grey" if row and row["verdict"] == "too early" else "big"
    with grid.container(key=f"card-{kind}-roi", gap="xsmall", height="stretch"):
        left, right = st.columns(2, vertical_alignment="bottom")
        with left.container(gap="xsmall"):
            value = percent(row["roi"]) if row and not lacks else "Not known"
            st.metric(LABEL, value, **_delta(row, years, scope.start))
            if years:
                st.caption(f":material/history: {economics.period_name(scope)}")
                if before := _before(years, scope.start):
                    st.caption(before)
            if lacks or row is None:
                st.markdown(lacks)
            else:
                earned, cost = (plain(money(row[name], currency, 0)) for name in ("company_dollar", "cost"))
                st.markdown(f"\\({earned} company dollar − {cost} cost\\) / {cost}")
                closings = f"{count(row['closes'])} closing{'' if row['closes'] == 1 else 's'}"
                st.caption(f"{closings} · confidence {economics.sureness(row['confidence'])}")
                if row["verdict"] == "too early":
                    st.caption(":material/info: Too early to judge: too much of it is not settled yet.")
            st.caption("Cash: what was paid and earned then")
        with right.container(key="foot-roi", gap="xsmall"):
            for verdict, names in years.named.items() if years else ():
                st.markdown(f"**{economics.VERDICTS[verdict]}** {names}")
        with st.container(horizontal=True, gap="small", key="actions-roi", vertical_alignment="center"):
            with st.popover("Meaning", type="tertiary"):
                st.markdown(f"**{plain(LABEL)}**")
                st.write(plain(WORDS))
                st.caption(f"How it is computed: {plain(FORMULA)}")
            if years:
                shown = {"period": scope.period, "start": scope.start.isoformat(), "view": scope.view}
                one = {} if source == ALL_SOURCES else {"source": source}
                st.page_link(PAGE, label="Sources", query_params=shown | one)


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


def _delta(row: Row | None, years: Years | None, start: date) -> dict[str, Any]:
    """The move against the twelve months that ended a month before; never good or bad, as they share eleven months."""
    before = years.by_start.get(months_after(start, -1)) if years else None
    if row is None or before is None or row["roi"] is None or before["roi"] is None:
        return {}
    move = row["roi"] - before["roi"]
    if abs(move) < 0.005:
        return {}
    return {
        "delta": f"{abs(move) * 100:,.0f} points {'up' if move > 0 else 'down'}",
        "delta_color": "gray",
        "delta_arrow": "up" if move > 0 else "down",
    }


def _before(years: Years, start: date) -> str:
    """The figure of the twelve months that ended a month before, empty where there is none."""
    before = years.by_start.get(months_after(start, -1))
    return f"12 months to a month before: {percent(before['roi'])}" if before and before["roi"] is not None else ""
