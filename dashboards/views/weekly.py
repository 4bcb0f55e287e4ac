"""This week: the numbers of one window, each with its past, its sureness, its meaning and its leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import queries
from dashboards.components import breakdown, cards, economics, filters, layout, lead_list, notes, roi_card, spark, trend
from dashboards.components.formats import PERIOD_NAMES, SLICE_NAMES, period_span, plain, slice_value
from dashboards.queries import PERIODS, Row

GROUPS = {
    "How fast a person answers": (
        "answered_within_5m_rate", "answered_within_15m_rate", "answered_within_60m_rate"),
    "Whether the promise is kept": ("sla_met_rate", "contact_within_sla_rate", "never_answered_rate"),
    "From lead to contract": (
        "set_rate_30d", "outcome_coverage", "appointments_cancelled_by_us", "agreement_rate_30d"),
    "What came in": ("leads", "leads_eligible", "leads_excluded", "inquiries", "spend"),
}  # fmt: skip


@st.cache_data(max_entries=4, show_spinner=False)
def load_options(
    version: queries.Version, build: Row, _snap: queries.Snapshot
) -> tuple[filters.Options, dict[str, Row]]:
    """What can be chosen, once for each published file."""
    metrics, weeks = queries.definitions(_snap), queries.weeks(_snap)
    running = weeks and notes.going_on(weeks[-1], build["as_of_local"], timedelta(days=1))
    options = filters.Options(
        weeks=weeks,
        judged={period: queries.judged_weeks(_snap, period) for period in PERIODS},
        values=queries.slice_values(_snap),
        metrics=list(metrics),
        lists=[metric for metric in metrics if queries.has_leads_behind(_snap, metric)],
        running=weeks[-1] if running else None,
    )
    return options, metrics


_NONE: Row = {"reliability": "too_early"}


@st.cache_data(max_entries=64, show_spinner=False)
def load(
    version: queries.Version,
    scope: queries.Scope,
    *,
    metric: Row,
    part: str,
    younger: date | None,
    first_week: date,
    _snap: queries.Snapshot,
) -> dict[str, Any]:
    """Everything the page shows of one scope. `version` and the rest are the key; the snapshot only answers."""
    whole = scope.before.first_week >= first_week
    now = queries.figures(_snap, scope)
    # A rate that takes weeks to be known is shown of the latest window that can be judged, and says which.
    late = [name for name in queries.JUDGED_LATER if now.get(name, _NONE)["reliability"] == "too_early"]
    settled = queries.judged_figures(_snap, scope, late) if now else {}
    compared, side_by_side = _compared(_snap, scope, metric, part)
    return {
        "now": now,
        "settled": settled,
        "before_settled": {
            name: queries.figures(_snap, replace(scope, week=row["week_start"]).before).get(name, {})
            for name, row in settled.items()
            if replace(scope, week=row["week_start"]).before.first_week >= first_week
        },
        "before": queries.figures(_snap, scope.before) if whole else {},
        "whole": whole,
        "younger": queries.figures(_snap, replace(scope, week=younger)) if younger else {},
        "trends": queries.trends(_snap, scope),
        "breakdown": side_by_side,
        "compared": compared,
        "exclusions": queries.exclusions(_snap, scope),
        "sla": queries.sla_statuses(_snap, scope),
        "roi": _roi(_snap, scope),
    }


def _roi(snap: queries.Snapshot, scope: queries.Scope) -> roi_card.Years | None:
    """What the ROI card shows; None in a file without source economics, and of a slice that has no cost of its own."""
    if scope.slice not in ("all", "source") or not queries.has_economics(snap):
        return None
    source = scope.value if scope.slice == "source" else queries.ALL_SOURCES
    beside = queries.economics(snap, roi_card.scope_of(scope.week)) if scope.slice == "all" else []
    return roi_card.Years(queries.trailing_year(snap, scope.week, source), economics.named(beside))


def _compared(snap: queries.Snapshot, scope: queries.Scope, metric: Row, part: str) -> tuple[str, breakdown.Found]:
    """The sources, agents, ... side by side: of the window or, if too few have leads enough, of up to 12 weeks."""
    longer = [period for period in ("trailing_4w", "trailing_12w") if PERIODS[period] > PERIODS[scope.period]]
    tried = []
    for period in (scope.period, *longer):
        found = queries.breakdown(snap, scope.week, period, part)
        rows = breakdown.ranked(found, metric)
        tried.append((sum(breakdown.sound(row) for _, row in rows), period, found))
        if 2 * tried[-1][0] >= len(rows):
            break
    _, period, found = max(tried, key=lambda one: one[0])
    return period, found


snap, build = layout.begin()
options, metrics = load_options(snap.version, build, snap)
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
    metric=metrics[over_time],
    part=part,
    younger=younger,
    first_week=options.weeks[0],
    _snap=snap,
)
now: dict[str, Row] = data["now"]
running = notes.going_on(chosen.week, build["as_of_local"])


def card(grid: DeltaGenerator, name: str, big: bool = False) -> None:
    """One card of the page."""
    before = data["before"].get(name, {}) if data["whole"] else None
    shown, young = data["settled"].get(name, now.get(name)), now.get(name)
    is_older = name in data["settled"]
    if is_older:
        before = data["before_settled"].get(name)
    text = cards.describe(shown, before, metrics[name], period, currency, unfinished=running and not is_older)
    if is_older:
        text = replace(text, dated=cards.dated(shown, young, metrics[name]))
    if name == "held_rate":
        text = replace(text, beside=cards.held_beside(now))
    small = spark.chart(
        data["trends"].get(name, trend.NOTHING), shown, metrics[name], shown["week_start"], options.weeks[0],
        currency=currency, running=running and not is_older, height=88 if big else 60,
    )  # fmt: skip
    cards.draw(grid, metrics[name], text, small, big=big, has_list=name in options.lists and text.has_leads)


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
    st.markdown(notes.summary(now) or notes.nothing(now))
for line in notes.unfinished(chosen.week, period, options.weeks[0], build["as_of_local"]):
    st.caption(f":material/info: {line}")

grid = st.grid(2, min_column_width=300)
for name in (name for name in headlines if name in now or name in data["settled"]):
    card(grid, name, big=True)
if now and chosen.scope.slice in ("all", "source"):  # nobody pays for an agent's leads, so no other slice has a cost
    roi_of = chosen.value if chosen.scope.slice == "source" else queries.ALL_SOURCES
    roi_card.draw(grid, data["roi"], chosen.week, roi_of, currency)
if now:
    st.caption(
        "Small charts: each dot or bar is one week, the line 12 weeks together (of counts: per week). The large dot is"
        " the figure of the card, hollow where it rests on few leads or it is too early."
    )
if younger:
    with st.container(key="younger", horizontal=True, vertical_alignment="center"):
        st.markdown(
            notes.younger(younger, period, data["younger"], running=younger == options.running), width="content"
        )
        st.button("Show it", type="tertiary", key="show-younger", on_click=filters.go,
                  kwargs={"week": younger.isoformat()})  # fmt: skip

with st.container(key="panel-trend"):
    if st.session_state.pop("clicked", "").startswith("over-time-"):
        layout.scroll_to("panel-trend")
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
        trend.chart(
            data["trends"].get(over_time, trend.NOTHING), metrics[over_time], chosen.week, options.weeks[0], currency
        ),
        theme=None,
        config=trend.CONFIG,
        key="trend",
        alt=f"{metrics[over_time]['label']} week by week, with the number of leads behind each week",
    )

for heading, names in GROUPS.items():
    shown = [name for name in names if name in metrics and (name in now or name in data["settled"])]
    if not shown:
        continue
    st.subheader(heading, anchor=False)
    grid = st.grid({"What came in": 5, "From lead to contract": 4}.get(heading, 3), min_column_width=164, gap=12)
    for name in shown:
        card(grid, name)
    if heading == "What came in":
        st.caption(notes.left_out(data["exclusions"]))

if data["breakdown"]:
    with st.container(key="panel-breakdown"):
        st.subheader(f"{plain(metrics[over_time]['label'])}, by {SLICE_NAMES[part].lower()}", anchor=False)
        rows = breakdown.ranked(data["breakdown"], metrics[over_time])
        if data["compared"] != period:
            st.markdown(
                f"**{period_span(chosen.week, data['compared'])}**: {PERIOD_NAMES[period]} alone"
                f" {'has' if period == 'week' else 'have'} too few leads to compare."
            )
        if rows:
            st.plotly_chart(
                breakdown.chart(rows, metrics[over_time], chosen.value, currency),
                theme=None,
                config=trend.CONFIG,
                key="breakdown",
                alt=f"{metrics[over_time]['label']} by {SLICE_NAMES[part].lower()}, and how many leads are behind each",
            )
            if line := notes.thin(rows, data["compared"]):
                st.caption(f":material/info: {line}")
        table, columns = breakdown.table(data["breakdown"], metrics, SLICE_NAMES[part], currency)
        st.dataframe(table, hide_index=True, column_config=columns, placeholder="–")

if lines := [line for line in (notes.sla(data["sla"]), *notes.trust(now)) if line]:
    with st.container(key="panel-trust"):
        st.subheader("How far to trust this", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in lines))

if chosen.list in now or chosen.list in data["settled"]:
    week = data["settled"].get(chosen.list, {"week_start": chosen.week})["week_start"]
    lead_list.show(snap, replace(chosen, week=week), metrics[chosen.list])
