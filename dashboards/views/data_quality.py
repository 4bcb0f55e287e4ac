"""Data quality, the morning page of ops: what is wrong, since when, who looks after it, and the rows behind it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dagster_project.state import Alert, StateError
from dashboards import noted, queries
from dashboards.components import (
    alerts,
    builds,
    filters,
    finding,
    history,
    layout,
    loaded,
    pager,
    source_cards,
)
from dashboards.components.formats import count, plain, words

RECONCILIATION = "dashboards.components.reconciliation"
PARTS = {
    "alerts": "Alerts",
    "sources": "Sources",
    "loads": "Loads",
    "aside": "Set aside",
    "checks": "Checks",
    "reconciliation": "Reconciliation",
    "builds": "Builds",
}
# What of the address belongs to which part. Comments, because Streamlit writes a text that stands alone onto the page.
FILTERS = {
    "loads": ("source",),
    "aside": ("source", "entity", "reason", "file", "column"),
    "checks": ("status", "severity", "layer", "owner"),
}
OPENED = {"alerts": ("alert", "row", "page"), "checks": ("check", "subject", "row", "page"), "aside": ("page",)}
PLURALS = {"severity": "Every severity", "status": "Every result", "layer": "Everything", "owner": "Every owner"}
LABELS = {"status": "Result", "layer": "Looks at"}
GROUPS_A_PIECE = 10


def parts() -> list[str]:
    """The parts of the page; reconciliation where it is installed."""
    return [part for part in PARTS if part != "reconciliation" or importlib.util.find_spec(RECONCILIATION)]


def read_address() -> tuple[str, filters.Address, list[str]]:
    """The part, its filters and what it opens; and what of the address had to be corrected."""
    asked, notes = filters.remembered("loaded"), []
    aside = any(asked.get(name) for name in FILTERS["aside"])  # addresses of before there were parts
    part = asked.get("part") or ("alerts" if "alert" in asked or not aside else "aside")
    if part not in parts():
        notes.append(f"There is no part “{plain(part)}” of this page; showing the alerts.")
        part = "alerts"
    known = (*FILTERS.get(part, ()), *OPENED.get(part, ()))
    return part, {name: asked[name] for name in known if asked.get(name)}, notes


def narrow(name: str) -> None:
    """Write a filter into the address."""
    filters.go(**{name: st.session_state[f"q-{name}"], "page": ""})


def turn() -> None:
    """Go to another part; filters of one are none of another."""
    part = st.session_state["q-part"]
    filters.keep({"part": part} | dict(st.session_state.get(f"address-loaded-{part}", {})))


def choose(rows: Iterable[queries.Row], names: Sequence[str], chosen: filters.Address, notes: list[str]) -> None:
    """Drop-downs for the values that the rows have; one that no row has is taken out of `chosen`, and told."""
    rows = list(rows)
    with st.container(key="filters"):
        for column, name in zip(st.columns(len(names)), names, strict=True):
            values = sorted({row[name] for row in rows if row[name]})
            if chosen.get(name) and chosen[name] not in values:
                notes.append(f"Nothing here has {name} “{plain(chosen[name])}”; showing every {name}.")
                del chosen[name]
            st.session_state[f"q-{name}"] = chosen.get(name, "")
            column.selectbox(
                LABELS.get(name, name.capitalize()),
                ["", *values],
                key=f"q-{name}",
                format_func=partial(label, name),
                on_change=partial(narrow, name),
            )


def label(name: str, value: str) -> str:
    """The words of a filter's value."""
    known = {"reason": loaded.REASONS, "layer": loaded.LAYERS}.get(name, {})
    every = PLURALS.get(name, f"Every {name}")
    return words(value, known) if value and known else value or every


def matching(rows: Sequence[queries.Row], chosen: filters.Address, names: Sequence[str]) -> list[queries.Row]:
    """The rows that every chosen filter lets through."""
    return [row for row in rows if all(chosen.get(name, "") in ("", row[name]) for name in names)]


def told(notes: Sequence[str]) -> None:
    """What of the address had to be corrected."""
    if notes:
        st.info("  \n".join(notes), icon=":material/edit:")


def verdict(state: noted.Noted, checks: Sequence[queries.Row], sources: Sequence[queries.Row]) -> str:
    """The page in a sentence."""
    failed = [check for check in checks if check["status"] != "passed"]
    is_noted = state.is_there and not state.problem
    bad = sum(one.severity == "critical" for one in state.speaking) if is_noted else 0
    bad += sum(check["severity"] == "critical" for check in failed) if not is_noted else 0
    all_ = len(state.speaking) if is_noted else len(failed)
    what = "alert" if is_noted else "check"
    state_of = "open" if is_noted else "failed"
    parts = []
    if bad:
        parts.append(f"**{count(bad)} critical {what}{'' if bad == 1 else 's'} {state_of}**")
    if mild := all_ - bad:
        parts.append(f"{count(mild)} warning{' needs' if mild == 1 else 's need'} a look")
    if not all_:
        parts.append("Nothing needs you: no alert is open" if is_noted else f"All {len(checks)} checks passed")
    nobody = sum(not one.acknowledged_by for one in state.speaking) if is_noted else 0
    if nobody and all_ > 1:
        parts.append("nobody looks after them yet" if nobody == all_ else f"nobody looks after {count(nobody)} of them")
    if late := [source["source"] for source in sources if source["is_stale"]]:
        parts.append(f"behind the others: {', '.join(plain(name) for name in late)}")
    return ", ".join(parts) + "."


def the_alert(chosen: filters.Address, notes: list[str]) -> Alert | None:
    """The alert that the address opens; one that is not there is taken out of `chosen`, and told."""
    asked = chosen.get("alert")
    if asked is None or state.problem:
        return None
    one = noted.alert(int(asked)) if asked.isdecimal() and len(asked) < 16 else None
    if one is None:
        notes.append(f"There is no alert “{plain(asked)}”; showing the open ones.")
        del chosen["alert"]
    return one


def the_check(chosen: filters.Address, notes: list[str]) -> queries.Row | None:
    """The check that the address opens; one that is not there is taken out of `chosen`, and told."""
    asked = (chosen.get("check", ""), chosen.get("subject", ""))
    one = next((check for check in checks if key_of(check) == asked), None)
    if one is None and any(asked):
        notes.append(f"There is no check “{plain(asked[0])}” about “{plain(asked[1])}”; showing all.")
        chosen.pop("check", None)
        chosen.pop("subject", None)
    return one


def show_alerts() -> None:
    """The open alerts; and what fails without one."""
    alerts.show(snap, build, state)
    known = {(one.check_name, one.subject) for one in state.alerts}
    more = [check for check in checks if check["status"] != "passed" and key_of(check) not in known]
    if more:
        st.subheader("Failing in the figures shown", anchor=False)
        for number, check in enumerate(more[: alerts.CARDS_A_PIECE]):
            failing(check, number)
        if len(more) > alerts.CARDS_A_PIECE:
            st.caption(f"and {count(len(more) - alerts.CARDS_A_PIECE)} more, under Checks")
    elif not state.speaking:
        st.markdown(":material/check_circle: No alert is open, and every check of the figures shown passed.")
    alerts.ask(state.alerts)


def show_alert(one: Alert) -> None:
    """An alert of its own: what, why, what to do, who looks after it, its past and its rows."""
    st.button(
        "All alerts", icon=":material/arrow_back:", on_click=filters.go, kwargs={"alert": "", "row": "", "page": ""}
    )
    past = noted.history([(one.check_name, one.subject)])[one.check_name, one.subject]
    found = finding.of_alert(one, past)
    mute = state.muted.get(found.key)
    with st.container(
        key=f"panel-alert-one-{one.severity if one.severity in finding.BADGES else 'warning'}", gap="xsmall"
    ):
        alerts.head(build, one, mute)
        finding.about(found)
        if one.cleared_at is None:
            with st.container(horizontal=True, gap="small", key="do-one"):
                alerts.answers(one, mute)
    finding.show_rows(snap, found)
    finding.past(past, build)
    alerts.ask([one])


def key_of(check: queries.Row) -> noted.Key:
    """What a check is about."""
    return check["check_name"], check["subject"]


def open_check(check: queries.Row) -> None:
    """Go to a check of its own."""
    filters.keep({"part": "checks", "check": check["check_name"], "subject": check["subject"]})


def failing(check: queries.Row, number: int) -> None:
    """A failing check as a card."""
    tone = check["severity"] if check["severity"] in finding.BADGES else "warning"
    with st.container(key=f"panel-alert-{tone}-check-{number}", gap="xsmall"):
        finding.badge(check["severity"])
        st.markdown(f"**{plain(check['why'])}**")
        st.markdown(f"**What to do** {plain(check['what_to_do'])}")
        st.caption(f"Found {plain(loaded.shortened(check['observed']))}, expected {plain(check['expected'])}.")
        owner = f" · for {plain(check['owner'])}" if check["owner"] else ""
        st.caption(f"{plain(loaded.name(check['check_name']))} · {plain(check['subject'])}{owner}")
        with st.container(horizontal=True, key=f"do-check-{number}"):
            st.button("Show the rows", key=f"open-check-{number}", on_click=open_check, args=[check])


def show_check(one: queries.Row) -> None:
    """A check of its own."""
    st.button("All checks", icon=":material/arrow_back:", on_click=filters.go,
              kwargs=dict.fromkeys(("check", "subject", "row", "page"), ""))  # fmt: skip
    is_passed = one["status"] == "passed"
    tone = "quiet" if is_passed else one["severity"] if one["severity"] in finding.BADGES else "warning"
    with st.container(key=f"panel-alert-one-{tone}", gap="xsmall"):
        with st.container(horizontal=True, gap="small"):
            if is_passed:
                st.badge("Passed", icon=":material/check_circle:", color="green")
            else:
                finding.badge(one["severity"])
        st.markdown(f"**{plain(loaded.name(one['check_name']))}**")
        finding.about(finding.of_check(one))
    finding.show_rows(snap, finding.of_check(one))
    if not state.problem:
        finding.past(noted.history([key_of(one)])[key_of(one)], build)


def show_checks(chosen: filters.Address, notes: list[str]) -> None:
    """Every check with its past."""
    names = FILTERS["checks"]
    choose(checks, names, chosen, notes)
    told(notes)
    shown = matching(checks, chosen, names)
    failed = [check for check in shown if check["status"] != "passed"]
    st.markdown(f"**{count(len(shown))}** checks, {count(len(failed))} of them failed in the figures shown.")
    keys = list(dict.fromkeys(map(key_of, shown)))
    past = {} if state.problem else noted.history(keys, history.STRIP)
    strips = {key: history.strip(found) for key, found in past.items()}
    st.selectbox(
        "Look at one check: its history, what to do, its rows",
        range(len(shown)),
        index=None,
        key="q-check",
        placeholder="Choose a check",
        format_func=lambda at: f"{loaded.name(shown[at]['check_name'])} · {shown[at]['subject']}",
        on_change=lambda: open_check(shown[st.session_state["q-check"]]),
    )
    st.dataframe(pd.DataFrame(loaded.check_rows(shown, strips)), hide_index=True, placeholder="")
    st.caption("Last builds: ✓ passed, ✗ failed, the newest at the right.")


def show_loads(chosen: filters.Address, notes: list[str]) -> None:
    """Every file, and where each of its rows went."""
    files = queries.load_log(snap)
    choose(files, FILTERS["loads"], chosen, notes)
    told(notes)
    shown = matching(files, chosen, FILTERS["loads"])
    st.markdown(loaded.equation(shown))
    st.dataframe(pd.DataFrame(loaded.file_rows(shown)), hide_index=True, column_config=loaded.file_columns(),
                 placeholder="")  # fmt: skip


def show_aside(chosen: filters.Address, notes: list[str]) -> None:
    """Why rows could not be read, and the rows as they stand."""
    groups = queries.quarantine_groups(snap)
    if not groups:
        told(notes)
        st.markdown("No row was set aside: every one could be read.")
        return
    st.markdown(
        "These rows could not be read, so no number counts them. Mend the file or its mapping, then release them."
    )
    choose(groups, ("source", "entity", "reason"), chosen, notes)
    for name, column in (("file", "file"), ("column", "column_name")):
        if chosen.get(name) and chosen[name] not in {group[column] for group in groups}:
            notes.append(f"Nothing is set aside of {name} “{plain(chosen[name])}”.")
            del chosen[name]
    told(notes)
    found = [
        group for group in matching(groups, chosen, ("source", "entity", "reason"))
        if chosen.get("file", "") in ("", group["file"]) and chosen.get("column", "") in ("", group["column_name"])
    ]  # fmt: skip
    is_one = len(found) == 1 or "file" in chosen
    if "file" in chosen:
        st.button("All of them", icon=":material/arrow_back:", on_click=filters.go,
                  kwargs=dict.fromkeys(("file", "column", "source", "entity", "reason"), ""))  # fmt: skip
    with st.container(key="panel-groups", gap=None):
        for number, group in enumerate(pager.piece(found, GROUPS_A_PIECE, "Groups")):
            set_aside_group(group, number, is_one)
    rows = queries.quarantine(snap, **{name: chosen.get(name, "") for name in FILTERS["aside"]})
    total = sum(group["rows"] for group in found)
    st.subheader("The rows as they stand", anchor=False)
    st.caption(
        f"{count(total)} rows" + (f", of which the first {count(len(rows))} are shown" if total > len(rows) else "")
    )
    st.dataframe(pd.DataFrame(loaded.set_aside_rows(rows)), hide_index=True, column_config=loaded.set_aside_columns(),
                 placeholder="")  # fmt: skip
    if rows:
        loaded.download(rows)
    with st.expander("With the command"):
        st.markdown(
            "`leadhouse quarantine` lists them, `... explain ID` shows a row and what to paste, `... export` writes a"
            " spreadsheet, `... release` tries them again and builds, `... history` counts them week by week."
        )


def set_aside_group(group: queries.Row, number: int, is_one: bool) -> None:
    """Rows that were set aside for one reason, one click from themselves."""
    with st.container(key=f"line-{number}", gap=None):
        st.markdown(f"**{count(group['rows'])}** · {loaded.group_words(group)}")
        st.caption(f"{plain(group['source'])} · {plain(group['file'])}, first on line {count(group['first_line'])}")
        if is_one:
            st.markdown(loaded.group_help(group))
            return
        if group["fix"]:
            st.caption(plain(group["fix"]))
        target = {name: group[column] or "" for name, column in
                  (("source", "source"), ("entity", "entity"), ("reason", "reason"), ("file", "file"),
                   ("column", "column_name"))}  # fmt: skip
        words_ = "Show the row" if group["rows"] == 1 else f"Show the {count(group['rows'])} rows"
        st.button(words_, key=f"group-{number}", type="tertiary", on_click=filters.go, kwargs=target | {"page": ""})


snap, build = layout.begin(hint=False)
state, checks, sources = noted.read(), queries.checks(snap), queries.sources(snap)
part, chosen, notes = read_address()
layout.heading("Data quality", build)
try:
    one_alert = the_alert(chosen, notes) if part == "alerts" else None
except StateError as error:
    one_alert, state = None, noted.Noted(is_there=True, problem=str(error))
one_check = the_check(chosen, notes) if part == "checks" else None
if state.problem:
    st.warning(f"{plain(state.problem)}. Alerts, history and builds are not shown; the rest is.",
               icon=":material/warning:")  # fmt: skip
if one_alert is None and one_check is None:
    failed_told = (queries.last_build(queries.warehouse_path()) or {}).get("status") == "failed"
    builds.banner(state, build, checks, is_told=failed_told)
    with st.container(key="summary"):
        st.markdown(verdict(state, checks, sources))
    st.caption(builds.told(state, build))
st.session_state["q-part"] = part
names = PARTS | ({"alerts": f"Alerts ({count(len(state.speaking))})"} if state.speaking else {})
st.segmented_control(
    "Part of the page", parts(), key="q-part", required=True, format_func=names.__getitem__, on_change=turn, wrap=True,
    label_visibility="collapsed",
)  # fmt: skip
if said := st.session_state.pop(alerts.SAID, ""):
    st.info(plain(said), icon=":material/info:")
if part not in FILTERS or one_check:  # the others tell it below their filters
    told(notes)
try:
    if one_alert:
        show_alert(one_alert)
    elif part == "alerts":
        show_alerts()
    elif one_check:
        show_check(one_check)
    elif part == "checks":
        show_checks(chosen, notes)
    elif part == "builds":
        builds.show(state, build)
except StateError as error:
    st.warning(f"{plain(error)}.", icon=":material/warning:")
if part == "sources":
    source_cards.show(sources, queries.rows_per_day(snap), build)
elif part == "loads":
    show_loads(chosen, notes)
elif part == "aside":
    show_aside(chosen, notes)
elif part == "reconciliation":
    importlib.import_module(RECONCILIATION).section(snap)
st.session_state[f"address-loaded-{part}"] = {name: chosen[name] for name in FILTERS.get(part, ()) if name in chosen}
filters.remember("loaded", {"part": part} | chosen)
