"""This week: the numbers of one window, each with its past, its sureness, its meaning and its leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import queries
from dashboards.components import breakdown, cards, filters, layout, lead_list, notes, trend
from dashboards.components.formats import SLICE_NAMES, period_span, plain, slice_value
from dashboards.queries import PERIODS, Row

GROUPS = {
    "How fast a person answers": (
        "answered_within_5m_rate", "answered_within_15m_rate", "answered_within_60m_rate"),
    "Whether the promise is kept": ("sla_met_rate", "contact_within_sla_rate", "never_answered_rate"),
    "What came in": ("leads", "leads_eligible", "leads_excluded", "inquiries", "spend"),
}  # fmt: skip


@st.cache_data(max_entries=4, show_spinner=False)
def load_options(version: queries.Version, _snap: queries.Snapshot) -> tuple[filters.Options, dict[str, Row]]:
    """What can be chosen, once for each published file."""
    metrics = queries.definitions(_snap)
    options = filters.Options(
        weeks=queries.weeks(_snap),
        judged={period: queries.judged_weeks(_snap, period) for period in PERIODS},
        values=queries.slice_values(_snap),
        metrics=list(metrics),
        lists=[metric for metric in metrics if queries.has_leads_behind(_snap, metric)],
    )
    return options, metrics


@st.cache_data(max_entries=64, show_spinner=False)
def load(
    version: queries.Version,
    scope: queries.Scope,
    *,
    metric: str,
    part: str,
    younger: date | None,
    first_week: date,
    _snap: queries.Snapshot,
) -> dict[str, Any]:
    """Everything the page shows of one scope. `version` and the rest are the key; the snapshot only answers."""
    whole = scope.before.first_week >= first_week
    return {
        "now": queries.figures(_snap, scope),
        "before": queries.figures(_snap, scope.before) if whole else {},
        "whole": whole,
        "younger": queries.figures(_snap, replace(scope, week=younger)) if younger else {},
        "trend": queries.trend(_snap, metric, scope),
        "breakdown": queries.breakdown(_snap, scope.week, scope.period, part),
        "exclusions": queries.exclusions(_snap, scope),
        "sla": queries.sla_statuses(_snap, scope),
    }


snap, build = layout.begin()
options, metrics = load_options(snap.version, snap)
if not options.weeks:
    layout.heading("This week", build)
    st.info("The published file holds no figures yet: no inquiry, call or spend line was loaded.")
    st.stop()
chosen, corrections = filters.read(filters.remembered("weekly"), options)
filters.remember("weekly", chosen.address())
currency, period = build["currency"], chosen.period
headlines = [name for name, metric in metrics.items() if metric["is_headline"]]
part = chosen.slice if chosen.slice != "all" else next(iter(options.values), "all")
over_time = chosen.metric or next(iter(headlines or metrics))
younger = options.weeks[-1] if options.weeks[-1] > options.default_week(period) == chosen.week else None
data = load(
    snap.version,
    chosen.scope,
    metric=over_time,
    part=part,
    younger=younger,
    first_week=options.weeks[0],
    _snap=snap,
)
now: dict[str, Row] = data["now"]


def card(grid: DeltaGenerator, name: str, big: bool = False) -> None:
    """One card of the page."""
    before = data["before"].get(name, {}) if data["whole"] else None
    going_on = notes.going_on(chosen.week, build["as_of_local"])
    text = cards.describe(now[name], before, metrics[name], period, currency, unfinished=going_on)
    cards.draw(grid, metrics[name], text, big=big, has_list=name in options.lists and text.has_leads)


def explain_scope() -> str:
    """What the figures are about, where that is not the whole brokerage."""
    return f"Only {SLICE_NAMES[chosen.slice].lower()} **{plain(slice_value(chosen.value))}**." if chosen.value else ""


with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    with st.container(width="content"):
        title = period_span(chosen.week, period)
        layout.heading(f"Week of {title}" if period == "week" else title, build, explain_scope())
    with st.container(horizontal=True, width="content", key="steps"):
        filters.steps(chosen, options)
filters.draw(chosen, options)
if corrections:
    st.info("  \n".join(corrections), icon=":material/edit_calendar:")
with st.container(key="summary"):
    st.markdown(notes.summary(now) or "No lead of this window can be judged.")
for line in notes.unfinished(chosen.week, period, options.weeks[0], build["as_of_local"]):
    st.caption(f":material/info: {line}")

grid = st.grid(2, min_column_width=300)
for name in (name for name in headlines if name in now):
    card(grid, name, big=True)
if younger:
    with st.container(key="younger", horizontal=True, vertical_alignment="center"):
        st.markdown(notes.younger(younger, period, data["younger"]), width="content")
        st.button("Show it", type="tertiary", key="show-younger", on_click=filters.go,
                  kwargs={"week": younger.isoformat()})  # fmt: skip

with st.container(key="panel-trend"):
    st.session_state["f-metric"] = over_time
    st.selectbox(
        "Over time",
        list(metrics),
        key="f-metric",
        width=340,
        format_func=lambda name: metrics[name]["label"],
        on_change=lambda: filters.go(metric=st.session_state["f-metric"]),
    )
    st.plotly_chart(
        trend.chart(data["trend"], metrics[over_time], chosen.week, options.weeks[0], currency),
        theme=None,
        config=trend.CONFIG,
        key="trend",
        alt=f"{metrics[over_time]['label']} week by week, with the number of leads behind each week",
    )

for heading, names in GROUPS.items():
    shown = [name for name in names if name in metrics and name in now]
    if not shown:
        continue
    st.subheader(heading, anchor=False)
    grid = st.grid(3, min_column_width=150 if heading == "What came in" else 250)
    for name in shown:
        card(grid, name)
    if heading == "What came in":
        st.caption(notes.left_out(data["exclusions"]))

if data["breakdown"]:
    with st.container(key="panel-breakdown"):
        st.subheader(f"{plain(metrics[over_time]['label'])}, by {SLICE_NAMES[part].lower()}", anchor=False)
        rows = breakdown.ranked(data["breakdown"], metrics[over_time])
        if rows:
            st.plotly_chart(
                breakdown.chart(rows, metrics[over_time], chosen.value, currency),
                theme=None,
                config=trend.CONFIG,
                key="breakdown",
                alt=f"{metrics[over_time]['label']} by {SLICE_NAMES[part].lower()}, and how many leads are behind each",
            )
            if line := notes.thin(rows, period):
                st.caption(f":material/info: {line}")
        table, columns = breakdown.table(data["breakdown"], metrics, SLICE_NAMES[part], currency)
        st.dataframe(table, hide_index=True, column_config=columns, placeholder="–")

with st.container(key="panel-trust"):
    st.subheader("How far to trust this", anchor=False)
    for line in (notes.sla(data["sla"]), *notes.trust(now)):
        if line:
            st.markdown(f"- {line}")

if chosen.list in now:
    lead_list.show(snap, chosen, metrics[chosen.list])
