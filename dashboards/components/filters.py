"""What a page is about: read from its address, corrected, drawn as filters, and written back to the address.

The address is the only state: every run reads it, sets the widgets by it, and a widget's change writes it. So a link
restores a view, and the browser's back button works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dashboards import queries
from dashboards.components.formats import PERIOD_NAMES, SLICE_NAMES, period_span, plain, slice_value

Address = dict[str, str]
OPENED = ("list", "alert", "row", "page")
"""Parts of an address that open something over a page, or leaf through it."""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the weekly page of one version of the file."""

    weeks: Sequence[date]
    judged: Mapping[str, Sequence[date]]
    values: Mapping[str, Sequence[str]]
    metrics: Sequence[str]
    lists: Sequence[str]
    running: date | None = None  # the last week, while it goes on for more than a day

    def default_week(self, period: str) -> date:
        """The latest week that is over and old enough to be judged, else the latest that is at least old enough."""
        judged = self.judged.get(period) or self.weeks
        return next((week for week in reversed(judged) if week != self.running), judged[-1])


@dataclass(frozen=True)
class Selection:
    """What the weekly page shows. `value` is empty while a slice is only broken down, not narrowed to one value."""

    week: date
    period: str = "week"
    slice: str = "all"
    value: str = ""
    metric: str = ""
    list: str = ""

    @property
    def scope(self) -> queries.Scope:
        """What the cards are about."""
        part, value = (self.slice, self.value) if self.value else ("all", "all")
        return queries.Scope(self.week, self.period, part, value)

    def address(self) -> Address:
        """The part of the address that brings this view back."""
        parts = {
            "week": self.week.isoformat(),
            "period": self.period,
            "slice": self.slice,
            "value": self.value,
            "metric": self.metric,
            "list": self.list,
        }
        return {name: text for name, text in parts.items() if text}


def read(address: Mapping[str, str], options: Options) -> tuple[Selection, list[str]]:
    """The view an address asks for, and in plain words what of it had to be corrected."""
    notes: list[str] = []
    period = address.get("period", "week")
    if period not in PERIOD_NAMES:
        notes.append(f"There is no period “{plain(period)}”; showing one week.")
        period = "week"
    week = _week(address.get("week"), period, options, notes)
    part, value = address.get("slice", "all"), address.get("value", "")
    if part != "all" and part not in options.values:
        notes.append(f"The figures cannot be split by “{plain(part)}”; showing the whole brokerage.")
        part, value = "all", ""
    if value and value not in options.values.get(part, ()):
        if part != "all":
            name = SLICE_NAMES[part].lower()
            notes.append(f"There are no figures for {name} “{plain(value)}”; showing every {name}.")
        value = ""
    metric, opened = address.get("metric", ""), address.get("list", "")
    if metric and metric not in options.metrics:
        notes.append(f"There is no number “{plain(metric)}”; showing the first one over time.")
        metric = ""
    if opened and opened not in options.lists:
        notes.append(f"There is no list of leads for “{plain(opened)}”.")
        opened = ""
    return Selection(week, period, part, value, metric, opened), notes


def _week(text: str | None, period: str, options: Options, notes: list[str]) -> date:
    default = options.default_week(period)
    if text is None:
        return default
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        notes.append(f"“{plain(text)}” is not a date; showing the latest week that can be judged.")
        return default
    for week in options.weeks:
        if week == asked:
            return week
        if week < asked < week + timedelta(days=7):
            notes.append(f"The week of {asked:%b} {asked.day} starts on {week:%A, %b} {week.day}.")
            return week
    notes.append(f"There are no figures for the week of {asked}; showing the latest week that can be judged.")
    return default


def go(**changes: str) -> None:
    """Change the address; an empty text removes its part. For callbacks of widgets."""
    for name, text in changes.items():
        if text:
            st.query_params[name] = text
        elif name in st.query_params:
            del st.query_params[name]


def keep(address: Address) -> None:
    """Make the address say what the page shows, so that it can be shared."""
    if dict(st.query_params) != address:
        st.query_params.from_dict(address)


def remembered(page: str) -> Address:
    """The address, or that of the page's last visit in this session: links between pages carry no filters."""
    given = {name: st.query_params[name] for name in st.query_params}
    return given or dict(st.session_state.get(f"address-{page}", {}))


def remember(page: str, address: Address) -> None:
    """Keep the address of a page for the next visit in this session, without what was opened over it."""
    keep(address)
    st.session_state[f"address-{page}"] = {name: text for name, text in address.items() if name not in OPENED}


def draw(chosen: Selection, options: Options) -> None:
    """The filters of the weekly page."""
    newest_first = list(reversed(options.weeks))
    judged = set(options.judged.get(chosen.period) or ())

    def label(week: date) -> str:
        state = " · still running" if week == options.running else "" if week in judged else " · too early"
        return period_span(week, chosen.period) + state

    st.session_state["f-week"] = chosen.week
    st.session_state["f-period"] = chosen.period
    st.session_state["f-slice"] = chosen.slice
    st.session_state["f-value"] = chosen.value
    name = SLICE_NAMES[chosen.slice].lower()
    with st.container(key="filters"):
        left, right = st.columns([5.8, 4.4])
        when, length = left.columns([2.4, 3.4], vertical_alignment="bottom")
        part, one = right.columns(2, vertical_alignment="bottom", wrap=False)
        when.selectbox(
            "Week" if chosen.period == "week" else "Weeks",
            newest_first,
            key="f-week",
            format_func=label,
            on_change=lambda: go(week=st.session_state["f-week"].isoformat()),
        )
        length.segmented_control(
            "Taken together",
            list(PERIOD_NAMES),
            key="f-period",
            required=True,
            width="stretch",
            format_func=PERIOD_NAMES.__getitem__,
            on_change=lambda: go(period=st.session_state["f-period"]),
        )
        part.selectbox(
            "Compare by",
            ["all", *options.values],
            key="f-slice",
            format_func=lambda value: SLICE_NAMES.get(value, value),
            on_change=lambda: go(slice=st.session_state["f-slice"], value=""),
        )
        if chosen.slice != "all":
            one.selectbox(
                f"Which {name}",
                ["", *options.values[chosen.slice]],
                key="f-value",
                format_func=lambda value: slice_value(value) if value else "All together",
                on_change=lambda: go(value=st.session_state["f-value"]),
            )


def steps(chosen: Selection, options: Options) -> None:
    """A week back, a week on."""
    at = options.weeks.index(chosen.week)
    for words, icon, target in (
        ("Earlier", "chevron_left", at - 1),
        ("Later", "chevron_right", at + 1),
    ):
        inside = 0 <= target < len(options.weeks)
        st.button(
            words,
            icon=f":material/{icon}:",
            icon_position="left" if target < at else "right",
            key=f"f-{words.lower()}",
            disabled=not inside,
            on_click=go,
            kwargs={"week": options.weeks[target].isoformat()} if inside else {},
        )
