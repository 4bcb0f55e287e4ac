"""What every page has: the style, one snapshot for the whole render, the banner of a failed build, the date."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards import noted, queries, theme
from dashboards.components.formats import count, moment, plain

ALERTS = "views/data_quality.py"
"""The page of the alerts, from `app.py`."""


def style() -> None:
    """The few rules the theme has no option for. A constant: no data ever goes into HTML."""
    st.html(theme.CSS)


def begin(hint: bool = True) -> tuple[queries.Snapshot, queries.Row]:
    """The version this render reads throughout, and its build. Without one the page says what to do and stops.

    `hint`: a line about open critical alerts, which the page of the alerts itself does without.
    """
    path = queries.warehouse_path()
    try:
        snap = queries.snapshot(path)
        build = queries.build(snap)
    except queries.WarehouseMissingError as error:
        st.title("No figures yet")
        with st.container(key="panel-first-build"):
            st.write("The first build reads your exports, checks them and writes the file that this page shows. Run")
            st.code("leadhouse build", language="shell")
            st.write("and reload this page.")
            st.caption(plain(error.problem))
        _failed_build(queries.last_build(path), None)
        st.stop()
    except queries.WarehouseError as error:
        st.title("The figures cannot be read")
        unreadable(error)
        _failed_build(queries.last_build(path), None)
        st.stop()
    _failed_build(queries.last_build(path), build)
    _newer(snap.version)
    if hint:
        _critical(noted.read_alerts())
    return snap, build


def local(when: datetime, build: queries.Row) -> datetime:
    """A moment in the brokerage's zone, as the tables hold local times: without a zone."""
    return when.astimezone(ZoneInfo(build["timezone"])).replace(tzinfo=None)


def unreadable(error: queries.WarehouseError) -> None:
    """What is wrong with the published file, and what to do."""
    st.error(f"{plain(error.problem)}  \n{error.what_to_do}", icon=":material/error:")


def heading(title: str, build: queries.Row, more: str = "") -> None:
    """The page's title, whose figures these are, and how far the data reach."""
    with st.container(key="heading", gap="xsmall"):
        st.caption(plain(build["brokerage"]))
        st.title(title, anchor=False)
        st.markdown(f"Data through **{moment(build['as_of_local'])}**, {zone(build)}.{f' {more}' if more else ''}")


def zone(build: queries.Row) -> str:
    """The brokerage's zone as people name it: New York time."""
    return f"{plain(build['timezone'].rsplit('/', 1)[-1].replace('_', ' '))} time"


def scroll_to(key: str) -> None:
    """Bring a container of this page into view. The key is ours, never data."""
    st.html(
        f"<script>document.querySelector('.st-key-{key}')?.scrollIntoView({{block: 'start'}})</script>",
        unsafe_allow_javascript=True,
    )


def _failed_build(last: dict[str, Any] | None, build: queries.Row | None) -> None:
    """The banner of every page while the last attempt to build has failed."""
    if not last or last.get("status") != "failed":
        return
    when = _local(last.get("finished_at") or last.get("started_at"), build)
    shown = f" These figures are from {moment(build['built_local'])}." if build else ""
    with st.container(key="failed-build"):
        st.error(f"**The last build failed{f' on {when}' if when else ''}.**{shown}", icon=":material/error:")
        messages = last.get("messages") or []
        messages = [messages] if isinstance(messages, str) else messages
        if messages:
            with st.expander("What went wrong", expanded=True):
                for message in messages[:20]:
                    st.text(str(message))
                if len(messages) > 20:
                    st.caption(f"and {len(messages) - 20} more")


def _critical(state: noted.Noted) -> None:
    """The line of the other pages while critical alerts are open, or cannot be read."""
    critical = sum(alert.severity == "critical" for alert in state.speaking)
    if not critical and not state.problem:
        return
    words = f"{count(critical)} critical alert{'' if critical == 1 else 's'} open: see what and what to do"
    with st.container(key="critical"):
        label = words if critical else "The alerts cannot be read: see why"
        st.page_link(ALERTS, label=label, icon=":material/error:", query_params={"part": "alerts"})


def _local(text: object, build: queries.Row | None) -> str:
    """A moment of last_build.json in local time, as it stands where it is not one."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return plain(text) if text else ""
    if found.tzinfo and build:
        found = found.astimezone(ZoneInfo(build["timezone"]))
    return moment(found)


@st.fragment(run_every="60s")
def _newer(version: queries.Version) -> None:
    """Offers the newer figures when a publish has replaced the file under an open page."""
    now = queries.Version.of(version.path)
    if now is not None and now != version:
        with st.container(horizontal=True, vertical_alignment="center", key="newer"):
            st.markdown("Newer figures are ready.")
            if st.button("Show them", key="show-newer"):
                st.rerun()
