"""Every check with its past and what to do; one that fails as a card; and one whole."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboards import noted, queries
from dashboards.components import filters, finding, history, loaded, narrow
from dashboards.components.formats import count, plain

FILTERS = ("status", "severity", "layer", "owner")


def key_of(check: queries.Row) -> noted.Key:
    """What a result is about: check and subject."""
    return check["check_name"], check["subject"]


def open_check(check: queries.Row) -> None:
    """Go to a check of its own."""
    filters.keep({"part": "checks", "check": check["check_name"], "subject": check["subject"]})


def card(check: queries.Row, number: int) -> None:
    """A check that fails, for the list of alerts."""
    with st.container(key=f"panel-alert-{finding.tone(check['severity'])}-check-{number}", gap="xsmall"):
        finding.badge(check["severity"])
        st.markdown(f"**{plain(check['why'])}**")
        owner = f" · for {plain(check['owner'])}" if check["owner"] else ""
        st.caption(f"{plain(loaded.name(check['check_name']))} · {plain(check['subject'])}{owner}")
        st.markdown(f"**What to do** {plain(check['what_to_do'])}")
        st.caption(f"Found {plain(loaded.shortened(check['observed']))}, expected {plain(check['expected'])}.")
        with st.container(horizontal=True, key=f"do-check-{number}"):
            st.button("Show the rows", key=f"open-check-{number}", on_click=open_check, args=[check])


def show_one(snap: queries.Snapshot, build: queries.Row, state: noted.Noted, check: queries.Row) -> None:
    """A check of its own: what it found, what to do, its rows and its past."""
    st.button(
        "All checks",
        icon=":material/arrow_back:",
        on_click=filters.go,
        kwargs=dict.fromkeys(("check", "subject", "row", "page"), ""),
    )
    passed = check["status"] == "passed"
    tone = "quiet" if passed else finding.tone(check["severity"])
    with st.container(key=f"panel-alert-{tone}-one", gap="xsmall"):
        if passed:
            st.badge("Passed", icon=":material/check_circle:", color="green")
        else:
            finding.badge(check["severity"])
        st.subheader(plain(loaded.name(check["check_name"])), anchor=False)
        finding.about(finding.of_check(check))
    finding.show_rows(snap, finding.of_check(check))
    if not state.problem:
        finding.past(noted.history([key_of(check)])[key_of(check)], build)


def show(state: noted.Noted, checks: Sequence[queries.Row], chosen: filters.Address, notes: list[str]) -> None:
    """The checks of the figures shown, narrowed by the address."""
    narrow.choose(checks, FILTERS, chosen, notes)
    narrow.told(notes)
    shown = narrow.matching(checks, chosen, FILTERS)
    failed = sum(check["status"] != "passed" for check in shown)
    st.markdown(f"**{count(len(shown))}** checks, {count(failed)} of them failed in the figures shown.")
    st.selectbox(
        "Look at one check: its history, what to do, its rows",
        range(len(shown)),
        index=None,
        key="q-check",
        placeholder="Choose a check",
        format_func=lambda at: f"{loaded.name(shown[at]['check_name'])} · {shown[at]['subject']}",
        on_change=lambda: open_check(shown[st.session_state["q-check"]]),
    )
    keys = list(dict.fromkeys(map(key_of, shown)))
    past = {} if state.problem else noted.history(keys, history.STRIP)
    strips = {key: history.strip(found) for key, found in past.items()}
    st.dataframe(pd.DataFrame(loaded.check_rows(shown, strips)), hide_index=True, placeholder="")
    st.caption("Last builds: ✓ passed, ✗ failed, the newest at the right.")
