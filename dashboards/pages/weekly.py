"""This week: the numbers of one window, each with its past, its sureness, its meaning and its leads."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import streamlit as st

from dashboards import queries
from dashboards.components import breakdown, cards, filters, layout, lead_list, notes, trend
from dashboards.components.formats import (
    SLICE_NAMES,
    period_span,
    plain,
    slice_value,
)
from dashboards.queries import PERIODS, Row

GROUPS = {
    "How fast you answer": ("answered_within_5m_rate", "answered_within_15m_rate", "answered_within_60m_rate"),
    "Whether you keep your promise": ("sla_met_rate", "contact_within_sla_rate", "never_answered_rate"),
    "What came in": ("leads", "leads_eligible", "leads_excluded", "inquiries", "spend"),
}


@st.cache_data(max_entries=4, show_spinner=False)
def load_options(version: queries.Version, _snap: queries.Snapshot) -> tuple[filters.Options, dict[str, Row]]:
    """What can be chosen, once for each published file."""
    metrics = queries.definitions(_snap)
    return filters.Options(
        weeks=queries.weeks(_snap),
        judged={period: queries.judged_weeks(_snap, period) for period in PERIODS},
        values=queries.slice_values(_snap),
        metrics=list(metrics),
        lists=[metric for metric in metrics if queries.has_leads_behind(_snap, metric)],
    ), metrics


@st.cache_data(max_entries=64, show_spinner=False)
def load(version: queries.Version, chosen: filters.Selection, metric: str, part: str,
         _snap: queries.Snapshot, first_week: date) -> dict[str, Any]:
    """Everything the page shows of one window."""
    scope = chosen.scope
    earlier = chosen.week - timedelta(weeks=PERIODS[chosen.period])
    whole = queries.window(earlier, chosen.period)[0] >= first_week
    return {
        "now": queries.figures(_snap, chosen.week, chosen.period, *scope),
        "before": queries.figures(_snap, earlier, chosen.period, *scope) if whole else None,
        "trend": queries.trend(_snap, metric, *scope),
        "breakdown": queries.breakdown(_snap, chosen.week, chosen.period, part),
        "exclusions": queries.exclusions(_snap, chosen.week, chosen.period, *scope),
        "sla": queries.sla_statuses(_snap, chosen.week, chosen.period, *scope),
    }


snap, build = layout.begin()
options, metrics = load_options(snap.version, snap)
if not options.weeks:
    layout.heading("This week", build)
    st.info("The published file holds no figures yet: no inquiry, call or spend line was loaded.")
    st.stop()
chosen, corrections = filters.read(filters.remembered("weekly"), options)
filters.remember("weekly", chosen.address())
currency = build["currency"]
headlines = [name for name, metric in metrics.items() if metric["is_headline"]]
part = chosen.slice if chosen.slice != "all" else next(iter(options.values), "all")
over_time = chosen.metric or next(iter(headlines or metrics))
data = load(snap.version, chosen, over_time, part, snap, options.weeks[0])
now, before = data["now"], data["before"]

layout.heading(("Week of " if chosen.period == "week" else "") + period_span(chosen.week, chosen.period), build)
filters.draw(chosen, options)
for correction in corrections:
    st.info(correction, icon=":material/edit_calendar:")
if chosen.value:
    st.markdown(f"Only **{SLICE_NAMES[chosen.slice].lower()} {plain(slice_value(chosen.value))}**")
st.markdown(notes.summary(now))

headline_cards = [name for name in headlines if name in now]
grid = st.grid(2, min_column_width=300)
for name in headline_cards:
    text = cards.describe(now.get(name), before and before.get(name), metrics[name], chosen.period, currency)
    with grid.cell():
        cards.draw(metrics[name], text, big=True, has_list=name in options.lists)

for title, names in GROUPS.items():
    st.subheader(title, anchor=False)
    grid = st.grid(3, min_column_width=250)
    for name in names:
        if name in metrics and name in now:
            text = cards.describe(now.get(name), before and before.get(name), metrics[name], chosen.period, currency)
            with grid.cell():
                cards.draw(metrics[name], text, big=False, has_list=name in options.lists)

with st.container(key="panel-trend"):
    st.session_state["f-metric"] = over_time
    st.selectbox("Over time", list(metrics), key="f-metric", format_func=lambda name: metrics[name]["label"],
                 on_change=lambda: filters.go(metric=st.session_state["f-metric"]))
    st.plotly_chart(trend.chart(data["trend"], metrics[over_time], chosen.week, chosen.period, currency),
                    theme=None, config=trend.CONFIG, key="trend")

with st.container(key="panel-breakdown"):
    st.subheader(f"By {SLICE_NAMES[part].lower()}", anchor=False)
    rows = breakdown.ranked(data["breakdown"], metrics[over_time])
    if rows:
        st.plotly_chart(breakdown.chart(rows, metrics[over_time], chosen.value, currency), theme=None,
                        config=trend.CONFIG, key="breakdown")
    st.dataframe(breakdown.table(data["breakdown"], metrics, SLICE_NAMES[part], currency), hide_index=True)

with st.container(key="panel-trust"):
    st.subheader("What these numbers leave out", anchor=False)
    for line in (notes.left_out(data["exclusions"]), notes.sla(data["sla"]), *notes.trust(now)):
        if line:
            st.markdown(f"- {line}")

if chosen.list:
    lead_list.show(snap, chosen, metrics[chosen.list])
