"""Data quality, the morning page of ops: what is wrong, since when, who looks after it, and the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dagster_project.state import Alert, StateError
from dashboards import noted, queries
from dashboards.components import (
    alerts,
    builds,
    check_list,
    filters,
    layout,
    loaded,
    narrow,
    reconciliation,
    set_aside,
    source_cards,
)
from dashboards.components.formats import count, plain

PARTS = {
    "alerts": "Alerts",
    "sources": "Sources",
    "loads": "Loads",
    "aside": "Set aside",
    "checks": "Checks",
    "reconciliation": "Reconciliation",
    "builds": "Builds",
}
# What of the address belongs to which part. Comments, as Streamlit would write a text of its own line onto the page.
FILTERS = {"loads": ("source",), "aside": set_aside.FILTERS, "checks": check_list.FILTERS}
OPENED = {"alerts": ("alert", "row", "page"), "checks": ("check", "subject", "row", "page"), "aside": ("page",)}


def read_address(notes: list[str]) -> tuple[str, filters.Address]:
    """The part, with its filters and what it opens; what of the address had to be corrected is added to `notes`."""
    asked = filters.remembered("loaded")
    before_parts = "alert" not in asked and any(asked.get(name) for name in set_aside.FILTERS)
    part = asked.get("part") or ("aside" if before_parts else "alerts")
    if part not in PARTS:
        notes.append(f"There is no part “{plain(part)}” of this page; showing the alerts.")
        part = "alerts"
    known = (*FILTERS.get(part, ()), *OPENED.get(part, ()))
    return part, {name: asked[name] for name in known if asked.get(name)}


def turn() -> None:
    """Go to another part, as it was left."""
    part = st.session_state["q-part"]
    filters.keep({"part": part} | dict(st.session_state.get(f"address-loaded-{part}", {})))


def verdict() -> str:
    """The page in a sentence."""
    failed = [check for check in checks if check["status"] != "passed"]
    is_noted = state.is_there and not state.problem
    severities = [one.severity for one in state.speaking] if is_noted else [check["severity"] for check in failed]
    critical = severities.count("critical")
    told = []
    if critical:
        what = "alert" if is_noted else "check"
        told.append(f"**{count(critical)} critical {what}{'' if critical == 1 else 's'}**")
    if mild := len(severities) - critical:
        told.append(f"{count(mild)} warning{' needs' if mild == 1 else 's need'} a look")
    if not severities:
        told.append("Nothing needs you: no alert is open" if is_noted else f"All {count(len(checks))} checks passed")
    nobody = sum(not one.acknowledged_by for one in state.speaking) if is_noted else 0
    if nobody:
        told.append("nobody looks after them yet" if 1 < nobody == len(severities) else "nobody looks after it yet"
                    if nobody == len(severities) else f"nobody looks after {count(nobody)} of them yet")  # fmt: skip
    if late := [source["source"] for source in sources if source["is_stale"]]:
        told.append(f"behind the others: {', '.join(plain(name) for name in late)}")
    return ", ".join(told) + "."


def the_alert() -> Alert | None:
    """The alert that the address opens; one that is not there is taken out of it, and told."""
    asked = chosen.get("alert")
    if asked is None or state.problem:
        return None
    one = noted.alert(int(asked)) if asked.isdecimal() and len(asked) < 16 else None
    if one is None:
        notes.append(f"There is no alert “{plain(asked)}”; showing the open ones.")
        del chosen["alert"]
    return one


def the_check() -> queries.Row | None:
    """The check that the address opens; one that is not there is taken out of it, and told."""
    asked = (chosen.get("check", ""), chosen.get("subject", ""))
    one = next((check for check in checks if check_list.key_of(check) == asked), None)
    if one is None and any(asked):
        notes.append(f"There is no check “{plain(asked[0])}” about “{plain(asked[1])}”; showing all.")
        chosen.pop("check", None)
        chosen.pop("subject", None)
    return one


def show_alerts() -> None:
    """The open alerts, and what fails in the figures shown without one."""
    alerts.show(snap, build, state, whys)
    known = {(one.check_name, one.subject) for one in state.alerts}
    more = [check for check in checks if check["status"] != "passed" and check_list.key_of(check) not in known]
    if more:
        st.subheader("Failing in the figures shown", anchor=False)
        for number, check in enumerate(more[: alerts.CARDS_A_PIECE]):
            check_list.card(check, number)
        if len(more) > alerts.CARDS_A_PIECE:
            st.caption(f"and {count(len(more) - alerts.CARDS_A_PIECE)} more, under Checks")
    elif not state.speaking and not state.problem:
        st.markdown(":material/check_circle: No alert is open, and every check of the figures shown passed.")
    if not state.is_there:
        st.caption("No alert is noted yet: the next build begins to.")
    alerts.ask(state.alerts, whys)


def show_loads() -> None:
    """Every file, and where each of its rows went."""
    files = queries.load_log(snap)
    narrow.choose(files, FILTERS["loads"], chosen, notes)
    narrow.told(notes)
    shown = narrow.matching(files, chosen, FILTERS["loads"])
    st.markdown(loaded.equation(shown))
    table = pd.DataFrame(loaded.file_rows(shown))
    st.dataframe(table, hide_index=True, column_config=loaded.file_columns(), placeholder="")


def worded(found: Sequence[queries.Row]) -> dict[noted.Key, str]:
    """Why each check matters, in the words of the last build, else of the figures shown."""
    served = {check_list.key_of(check): str(check["why"]) for check in found}
    return served | {(result.check_name, result.subject): result.why for result in state.last_results}


snap, build = layout.begin(hint=False)
notes: list[str] = []
state, checks, sources = noted.read(), queries.checks(snap), queries.sources(snap)
whys = worded(checks)
part, chosen = read_address(notes)
one_alert: Alert | None = None
if part == "alerts":
    try:
        one_alert = the_alert()
    except StateError as error:
        state = noted.Noted(is_there=True, problem=str(error))
one_check = the_check() if part == "checks" else None

layout.heading("Data quality", build)
if state.problem:
    lacks = "Alerts, history and builds are not shown; the rest is."
    st.warning(f"{plain(state.problem)}. {lacks}", icon=":material/warning:")
if one_alert is None and one_check is None:
    is_told = (queries.last_build(queries.warehouse_path()) or {}).get("status") == "failed"
    builds.banner(state, build, checks, is_told=is_told)
    with st.container(key="summary"):
        st.markdown(verdict())
    st.caption(builds.told(state, build))
st.session_state["q-part"] = part
names = PARTS | ({"alerts": f"Alerts ({count(len(state.speaking))})"} if state.speaking else {})
st.segmented_control(
    "Part of the page",
    list(PARTS),
    key="q-part",
    required=True,
    format_func=names.__getitem__,
    on_change=turn,
    wrap=True,
    label_visibility="collapsed",
)
if said := st.session_state.pop(alerts.SAID, ""):
    st.info(plain(said), icon=":material/info:")
if part not in FILTERS or one_check:  # the others tell it below their filters
    narrow.told(notes)
try:
    if one_alert:
        alerts.show_one(snap, build, state, one_alert, whys)
    elif part == "alerts":
        show_alerts()
    elif one_check:
        check_list.show_one(snap, build, state, one_check)
    elif part == "checks":
        check_list.show(state, checks, chosen, notes)
    elif part == "builds":
        builds.show(state, build)
except StateError as error:  # it was readable a moment ago
    st.warning(f"{plain(error)}.", icon=":material/warning:")
if part == "sources":
    source_cards.show(sources, queries.rows_per_day(snap), build)
elif part == "loads":
    show_loads()
elif part == "aside":
    set_aside.show(snap, chosen, notes)
elif part == "reconciliation":
    reconciliation.section(snap)
st.session_state[f"address-loaded-{part}"] = {name: chosen[name] for name in FILTERS.get(part, ()) if name in chosen}
filters.remember("loaded", {"part": part} | chosen)
