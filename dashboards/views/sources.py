"""Sources: which to feed, keep and stop, how sure that is, and the arithmetic and the rows behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from dashboards import queries
from dashboards.components import economics, economics_chart, economics_rows, filters, layout, trend
from dashboards.components.formats import plain, slice_value
from dashboards.queries import EconomicsScope, Row


@st.cache_data(max_entries=4, show_spinner=False)
def load_starts(version: queries.Version, _snap: queries.Snapshot) -> dict[str, list[date]] | None:
    """The first days of the periods there are; None in a file without source economics."""
    return queries.economics_starts(_snap) if queries.has_economics(_snap) else None


@st.cache_data(max_entries=64, show_spinner=False)
def load(version: queries.Version, scope: EconomicsScope, _snap: queries.Snapshot) -> list[Row]:
    """Every source of one period and view."""
    return queries.economics(_snap, scope)


def read_scope(asked: Mapping[str, str], starts: Mapping[str, Sequence[date]], notes: list[str]) -> EconomicsScope:
    """The period and view that an address asks for; what had to be corrected is added to `notes`."""
    default = next(iter(starts))
    period, view = asked.get("period", default), asked.get("view", "cash")
    if period not in starts:
        notes.append(f"There is no period “{plain(period)}”; showing {economics.PERIODS[default]}.")
        period = default
    if view not in economics.VIEWS:
        notes.append(f"There is no view “{plain(view)}”; showing what was paid and earned then.")
        view = "cash"
    # Twelve months are hardly less for being short of some days; a week or a month may be.
    over = [start for start in starts[period] if period == "trailing_12m" or not is_running(period, start)]
    start = (over or starts[period])[-1]
    if text := asked.get("start"):
        found = next((one for one in starts[period] if one.isoformat() == text), None)
        if found is None:
            notes.append(f"No period of this length begins on “{plain(text)}”; showing the latest.")
        start = found or start
    return EconomicsScope(period, start, view)


def is_running(period: str, start: date) -> bool:
    """Whether days of a period are still to come."""
    return bool(EconomicsScope(period, start, "cash").last > build["as_of_local"].date())


def choose() -> None:
    """The filters of the page."""
    newest_first = list(reversed(starts[scope.period]))

    def label(start: date) -> str:
        running = " · still running" if is_running(scope.period, start) else ""
        return economics.period_name(EconomicsScope(scope.period, start, scope.view)) + running

    st.session_state["s-period"], st.session_state["s-start"] = scope.period, scope.start
    st.session_state["s-view"] = scope.view
    with st.container(key="filters"):
        length, when, how = st.columns([3.2, 3, 4.2], vertical_alignment="top")
        length.segmented_control(
            "Period",
            list(starts),
            key="s-period",
            required=True,
            width="stretch",
            format_func=economics.PERIODS.__getitem__,
            on_change=lambda: filters.go(period=st.session_state["s-period"], start=""),
        )
        when.selectbox(
            "Which",
            newest_first,
            key="s-start",
            format_func=label,
            on_change=lambda: filters.go(start=st.session_state["s-start"].isoformat()),
        )
        how.radio(
            "What counts",
            list(economics.VIEWS),
            key="s-view",
            format_func=economics.VIEWS.__getitem__,
            on_change=lambda: filters.go(view=st.session_state["s-view"]),
        )


def pick() -> None:
    """Open the source of the row that was clicked."""
    rows_of = st.session_state[table_key]["selection"]["rows"]
    open_source(rows[rows_of[0]]["source"] if rows_of else "")


def open_source(name: str) -> None:
    """Open the card of a source, and bring it into view."""
    filters.go(source=name)
    st.session_state["clicked"] = "source" if name else ""


def show_card(row: Row) -> None:
    """One source: verdict, arithmetic, confidence, and the rows behind."""
    with st.container(key="panel-source"):
        st.subheader(plain(slice_value(row["source"])), anchor=False)
        st.markdown(economics.decided(row, limits))
        st.markdown("\n".join(f"- {line}." for line in economics.arithmetic(row, currency)))
        parts = queries.confidence_parts(snap, scope, row["source"])
        head, *shares = economics.confidence(row, parts, currency)
        st.markdown("\n".join([head, "", *(f"- {line}." for line in shares)]))
        economics_rows.show(snap, scope, row["source"], kind, currency)
        if st.session_state.pop("clicked", "") == "source":  # last: a page that is still short cannot scroll so far
            layout.scroll_to("panel-source")


snap, build = layout.begin()
currency: str = build["currency"]
limits = economics.thresholds(build)
found_starts = load_starts(snap.version, snap)
starts: dict[str, list[date]] = found_starts or {}
if not starts:
    layout.heading("Sources", build)
    if found_starts is None:
        st.info(
            "These figures were published before Leadhouse computed what sources cost and earn. Run `leadhouse build`."
        )
    else:
        st.info(
            "Nothing to judge sources by yet: no lead, spend line or deal was loaded. Map a table of `spend` and one of"
            " `deals` in leadhouse.toml, and run `leadhouse build`."
        )
    st.stop()
notes: list[str] = []
asked = filters.remembered("sources")
scope = read_scope(asked, starts, notes)
rows = load(snap.version, scope, snap)
by_source: dict[str, Row] = {row["source"]: row for row in rows}
source, kind = asked.get("source", ""), asked.get("behind", "")
if source and source not in by_source:
    notes.append(f"Nothing of “{plain(source)}” falls into this period.")
    source = ""
if kind and kind not in economics_rows.KINDS:
    notes.append(f"There are no rows of the kind “{plain(kind)}”; showing the deals.")
    kind = ""
if not kind and source:
    is_sold = by_source[source]["contracts"] or by_source[source]["closes"]
    kind = "deals" if is_sold else "costs" if by_source[source]["cost"] else "leads"
shown: dict[str, Any] = {"period": scope.period, "start": scope.start.isoformat(), "view": scope.view}
filters.remember("sources", shown | ({"source": source, "behind": kind} if source else {}))

layout.heading("Sources", build)
choose()
if notes:
    st.info("  \n".join(notes), icon=":material/edit_calendar:")
if not rows:
    st.info("Nothing falls into this period in this view. Choose another one.")
    st.stop()
with st.container(key="summary"):
    for sentence in economics.summary(rows, currency):
        st.markdown(sentence)
running = "; the period is still running" if is_running(scope.period, scope.start) else ""
st.caption(f"{economics.period_name(scope)} · {economics.VIEWS[scope.view]}{running}.")

if drawn := economics_chart.ranked(rows):
    with st.container(key="panel-roi"):
        st.subheader("Return on investment by source", anchor=False)
        st.plotly_chart(
            economics_chart.chart(drawn, currency, limits, source),
            theme=None,
            config=trend.CONFIG,
            key="roi",
            alt="ROI of each source with its verdict, cost, number of leads and of closings",
        )
        if hidden := sum(row["roi"] is not None for row in economics.real(rows)) - len(drawn):
            st.caption(f"The {len(drawn)} sources that cost most; {hidden} more are in the table.")
        st.caption(f"ROI = (company dollar − cost) / cost. {economics.rule(limits)}")
if lines := economics.unjudged(rows):
    with st.container(key="panel-unjudged"):
        st.subheader("Without a ROI", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in lines))

with st.container(key="panel-table"):
    st.subheader("Every source", anchor=False)
    table, columns = economics.table(rows, currency)
    table_key = f"s-table-{scope.period}-{scope.start}-{scope.view}-{source}"
    at = next((place for place, row in enumerate(rows) if row["source"] == source), None)
    st.dataframe(
        table,
        hide_index=True,
        column_config=columns,
        height=38 + 35 * min(len(table), 30),
        placeholder="–",
        key=table_key,
        on_select=pick,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [] if at is None else [at]}},
    )
    st.session_state["s-source"] = source
    st.selectbox(
        "The arithmetic of",
        ["", *(row["source"] for row in reversed(rows[-1:])), *(row["source"] for row in rows[:-1])],
        key="s-source",
        width=340,
        format_func=lambda name: slice_value(name) if name else "Choose a source, or click a row",
        on_change=lambda: open_source(st.session_state["s-source"]),
    )
if source:
    show_card(by_source[source])
