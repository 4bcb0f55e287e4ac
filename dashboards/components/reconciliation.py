"""The CRM's counts and ours: what it says, what we say, and every step between, with the rows behind each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import queries
from dashboards.components.formats import EXCLUSION_NAMES, count, csv_bytes, slice_value, span, words
from dashboards.queries import Row, Snapshot

SPANS = {
    1: "Last complete week",
    4: "Last 4 complete weeks",
    12: "Last 12 complete weeks",
    52: "Last 52 complete weeks",
}
STEP_WORDS = {
    "since_merged": "merged into other records since the report",
    "since_deleted": "deleted since the report",
    "same_person": "further records of people who are counted once here",
    "no_inquiry": "records of people who never asked for anything",
    "repeat_inquiry": "repeated inquiries of a lead that was open already",
    "late_out": "recorded in this time but raised before it",
    "early_out": "recorded in this time but raised after it",
    "other_source_out": "under this source there now, counted here under the one they came from",
    "late_in": "raised in this time but recorded after it",
    "early_in": "raised in this time by people who were in the CRM before it",
    "other_source_in": "came from this source, under another in the CRM now",
    "reopened": "people who asked again after a long pause, a new lead here",
    "set_aside": "tests, spam, imports and entries by agents, counted one by one",
    "each_inquiry": "further inquiries from feeds whose every record is a lead",
    "no_record": "leads of people without a record in the CRM",
    "record_not_counted": "leads of people whose record has no date, or is merged into one that is missing",
    "call_without_record": "callers without a record in the CRM",
    "unexplained": "not explained by any record that was delivered",
}


def arithmetic(row: Row) -> str:
    """From the CRM's figure to ours as one sentence that adds up; the parts of Markdown are escaped."""
    parts = [f"**{count(row['theirs'])}** {row['counted']} in the CRM"]
    parts += [f"{_signed(change)} ({STEP_WORDS[step]})" for step, change in row["steps"].items()]
    line = f"{' '.join(parts)} = **{count(row['ours'])}** {_leads(row['ours'])} here."
    if row["excluded"]:
        out = sum(row["excluded"].values())
        reasons = ", ".join(f"{count(n)} {words(reason, EXCLUSION_NAMES)}" for reason, n in row["excluded"].items())
        line += (
            f" Of these, {count(out)} {'is' if out == 1 else 'are'} left out of the rates ({reasons}):"
            f" **{count(row['leads_eligible'])}** in the rates."
        )
    return line


def why(row: Row) -> str:
    """The steps of a source in a cell, the largest first."""
    steps = sorted(row["steps"].items(), key=lambda step: -abs(step[1]))
    return "; ".join(f"{_signed(change)} {STEP_WORDS[step]}" for step, change in steps) or "the same in both"


def origin(row: Row) -> str:
    """Where the CRM's figures are from."""
    if row["origins"] == ["file"]:
        return "The CRM's figures are those of its own report."
    what = (
        "records of people as they are now (not merged away, not deleted), by the week in which each was made and the"
        " source it bears today"
        if row["counted"] == "people"
        else "inquiries by the week in which they were received"
    )
    counted = f"counted from its export: {what}."
    if row["origins"] == ["export"]:
        return f"The CRM delivers no report of its own for these weeks; its figures are {counted}"
    return f"The CRM's figures are those of its own report; in weeks that it does not cover they are {counted}"


def table(rows: list[Row]) -> list[dict[str, Any]]:
    """A row a source: what the CRM says, what is here, and why."""
    return [
        {
            "Source": slice_value(row["source"]),
            "CRM says": row["theirs"],
            "Here": row["ours"],
            "Difference": row["ours"] - row["theirs"],
            "Here in the rates": row["leads_eligible"],
            "Why": why(row),
        }
        for row in rows
    ]


def behind(rows: list[Row]) -> list[dict[str, Any]]:
    """The records and leads behind a step."""
    return [
        {
            "Person": row["name"] or "(no name)",
            "Record made": row["recorded_local"],
            "Raised": row["opened_local"],
            "Source in the CRM": row["source_there"] and slice_value(row["source_there"]),
            "Source here": row["source_here"] and slice_value(row["source_here"]),
            "Record": row["record_id"],
            "From": row["record_feed"],
            "Lead": row["lead_id"],
        }
        for row in rows
    ]


def section(snap: Snapshot, key: str = "reconciliation") -> None:
    """The whole section, with a choice of weeks, source and reason; `key` begins the keys of its widgets."""
    st.subheader("The CRM's counts and ours", anchor=False)
    weeks = queries.reconciliation_weeks(snap)
    if weeks is None:
        st.info("These figures were published before Leadhouse compared them with the CRM's. Run `leadhouse build`.")
        return
    if not weeks:
        st.info("There is no complete week yet in which the CRM or we count a lead.")
        return
    with st.container(key=f"{key}-filters"):
        left, right = st.columns(2)
        size = left.selectbox("Weeks", list(SPANS), index=1, format_func=SPANS.__getitem__, key=f"{key}-weeks")
        first, last = weeks[-1] - timedelta(weeks=size - 1), weeks[-1]
        rows = queries.reconciliation(snap, first, last)
        names = ["", *(row["source"] for row in rows)]
        source = right.selectbox(
            "Source",
            names,
            format_func=lambda name: slice_value(name) if name else "Every source",
            key=f"{key}-source",
        )
    (whole,) = queries.reconciliation(snap, first, last, whole=True)
    chosen = next(row for row in rows if row["source"] == source) if source else whole
    st.caption(span(first, last + timedelta(days=6)))
    with st.container(key=f"{key}-summary"):
        st.markdown(arithmetic(chosen))
        st.caption(origin(whole))
    if not source:
        _show_table(rows)
    _rows_behind(snap, chosen, (first, last), source or None, key)


def _show_table(rows: list[Row]) -> None:
    number = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        pd.DataFrame(table(rows)),
        hide_index=True,
        column_config={
            "CRM says": number,
            "Here": number,
            "Difference": st.column_config.NumberColumn(format="%+d"),
            "Here in the rates": number,
            "Why": st.column_config.TextColumn(width="large"),
        },
        placeholder="",
    )


def _rows_behind(snap: Snapshot, chosen: Row, weeks: tuple[Any, Any], source: str | None, key: str) -> None:
    listed = {step: abs(change) for step, change in chosen["steps"].items() if step != "unexplained"}
    listed |= {f"excluded_{reason}": number for reason, number in chosen["excluded"].items()}
    if left := chosen["steps"].get("unexplained"):
        st.markdown(
            f":material/help: {count(abs(left))} {_leads(abs(left))}"
            f" {'more' if left < 0 else 'fewer'} in the CRM's report than its records explain: compare its weeks, its"
            " zone and its names of sources with the export's."
        )
    if not listed:
        st.markdown("No record and no lead makes a difference.")
        return
    step = st.selectbox(
        "The rows behind",
        list(listed),
        format_func=lambda name: f"{step_words(name)} ({count(listed[name])})",
        key=f"{key}-step-{source or ''}-{weeks[0]}",
    )
    rows = behind(queries.reconciliation_behind(snap, *weeks, step, source))
    moment = st.column_config.DatetimeColumn(format="MMM D, YYYY, h:mm A")
    st.dataframe(
        pd.DataFrame(rows).dropna(axis="columns", how="all"),
        hide_index=True,
        column_config={"Record made": moment, "Raised": moment},
        placeholder="",
    )
    if listed[step] > len(rows):
        st.caption(f"The latest {count(len(rows))} of {count(listed[step])} are shown.")
    st.download_button(
        "Download as CSV",
        csv_bytes(rows),
        file_name=f"reconciliation-{step}-{weeks[0]}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"{key}-csv",
    )


def step_words(step: str) -> str:
    """A step, or a reason to leave leads out of the rates, in words."""
    if step.startswith("excluded_"):
        return f"left out of the rates: {words(step.removeprefix('excluded_'), EXCLUSION_NAMES)}"
    return STEP_WORDS[step]


def _signed(change: int) -> str:
    return f"{'−' if change < 0 else '+'} {count(abs(change))}"


def _leads(number: int) -> str:
    return "lead" if number == 1 else "leads"
