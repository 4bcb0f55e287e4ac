"""The list of leads behind a figure, in a dialog: who, when, how long it took; to sort, to narrow, to take along."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboards import queries
from dashboards.components import filters
from dashboards.components.formats import (
    APPOINTMENTS,
    END_NAMES,
    EXCLUSION_NAMES,
    OUTCOME_NAMES,
    SLA_NAMES,
    count,
    counted,
    csv_bytes,
    period_span,
    plain,
    slice_value,
    words,
)

YES_NO = {
    "set_rate_14d": ("Set in time", "Not set in time"),
    "set_rate_30d": ("Set in time", "Not set in time"),
    "held_rate": ("Held", "Not held"),
    "held_rate_low": ("Held", "Not held or unknown"),
    "held_rate_high": ("Held or unknown", "Not held"),
    "outcome_coverage": ("Outcome entered", "No outcome"),
    "agreement_rate_30d": ("Signed in time", "Not signed in time"),
    "contract_rate_180d": ("Under contract in time", "Not under contract in time"),
    "contact_rate_48h": ("Reached in time", "Not reached in time"),
    "contact_rate_14d": ("Reached in time", "Not reached in time"),
    "sla_met_rate": ("On time", "Late or overdue"),
    "contact_within_sla_rate": ("Reached on time", "Not reached on time"),
    "never_answered_rate": ("Never answered", "Answered"),
    "answered_within_5m_rate": ("Within 5 minutes", "Later or never"),
    "answered_within_15m_rate": ("Within 15 minutes", "Later or never"),
    "answered_within_60m_rate": ("Within 60 minutes", "Later or never"),
}
SURVIVAL_YES_NO = {"first_contact_at": ("Reached", "Not reached yet")}

# Lists that are the figure, not a share of it.
WHOLE = (*queries.COUNTED_LEADS, "inquiries", "appointments_cancelled_by_us")


def labels(metric: str) -> tuple[str, str]:
    """What it means to be counted, and not to be."""
    if metric in queries.SURVIVAL_MOMENTS:
        return SURVIVAL_YES_NO.get(queries.SURVIVAL_MOMENTS[metric], ("Answered", "Not answered yet"))
    return YES_NO.get(metric, ("Yes", "No"))


def show(snap: queries.Snapshot, chosen: filters.Selection, metric: queries.Row) -> None:
    """Open the dialog; closing it takes the list out of the address."""
    dialog = st.dialog(plain(metric["label"]), width="large", on_dismiss=lambda: filters.go(list=""))
    dialog(_body)(snap, chosen, metric)


def _body(snap: queries.Snapshot, chosen: filters.Selection, metric: queries.Row) -> None:
    metric_id = metric["metric_id"]
    leads = queries.leads_behind(snap, metric_id, chosen.scope)
    kind = APPOINTMENTS[1] if metric_id in queries.APPOINTMENT_PARTS else counted(metric_id)
    where = f" · {plain(slice_value(chosen.value))}" if chosen.value else ""
    st.caption(f"{period_span(chosen.week, chosen.period)}{where} · {count(len(leads))} {kind}")
    yes, no = labels(metric_id)
    hits = sum(bool(lead["counts"]) for lead in leads)
    shown = leads
    if metric_id not in WHOLE:
        names = {
            "all": f"All ({count(len(leads))})",
            "yes": f"{yes} ({count(hits)})",
            "no": f"{no} ({count(len(leads) - hits)})",
        }
        pick = st.segmented_control(
            "Which of them",
            list(names),
            default="all",
            required=True,
            format_func=names.__getitem__,
            label_visibility="collapsed",
            key=f"which-{metric_id}",
        )
        if pick in ("yes", "no"):
            shown = [lead for lead in leads if bool(lead["counts"]) == (pick == "yes")]
    if not shown:
        st.info(f"There are no such {kind}.")
        return
    st.dataframe(
        frame(shown, metric_id),
        hide_index=True,
        column_config=_columns(shown),
        height=min(38 + 35 * len(shown), 460),
        placeholder="",
    )
    st.download_button(
        "Download as CSV",
        lambda: csv_bytes(export(shown, metric_id)),  # written when it is asked for
        file_name=f"{kind}-{metric_id}-{chosen.week}-{chosen.period}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"csv-{metric_id}",
    )
    st.caption("Times are local to the brokerage. Click a column's name to sort by it.")


def export(leads: list[queries.Row], metric_id: str) -> list[queries.Row]:
    """The list as rows of words, for the table and the file."""
    if metric_id in queries.APPOINTMENT_PARTS:
        return [_appointment(row, metric_id) for row in leads]
    if metric_id in queries.PEOPLE_METRICS:
        return [_person(row, metric_id) for row in leads]
    yes, no = labels(metric_id)
    moment, ended = _moment(metric_id)
    rows = []
    for lead in leads:
        row = {
            "Person": lead["name"] or "(no name)",
            "Waited (minutes)": None if lead["waited_seconds"] is None else round(lead["waited_seconds"] / 60, 1),
            "Until": _until(lead, ended),
            "Came in": lead["opened_local"],
            "Counted as": yes if lead["counts"] else no,
            moment: lead["moment_local"],
            "Answered by": slice_value(lead["responder"]) if lead["responder"] else "",
            "Target": lead["due_local"],
            "Against target": words(lead["sla_status"], SLA_NAMES),
            "Source": slice_value(lead["source"]),
            "Agent": slice_value(lead["agent"]),
            "Kind": slice_value(lead["category"]),
            "Left out because": words(lead["exclusion_reason"], EXCLUSION_NAMES),
            "Lead": lead["lead_id"],
        }
        if metric_id in WHOLE:
            del row["Counted as"]
        else:
            del row["Left out because"]
        rows.append(row)
    return rows


def _moment(metric_id: str) -> tuple[str, str]:
    """What the moment that a lead waits for is called, and how its wait ended with it."""
    if queries.SURVIVAL_MOMENTS.get(metric_id) == "first_contact_at" or metric_id.startswith("contact_"):
        return "Reached at", "reached"
    return ("Set at", "appointment set") if metric_id.startswith("set_") else ("Answered at", "answered")


def _appointment(row: queries.Row, metric_id: str) -> queries.Row:
    yes, no = labels(metric_id)
    counted_as = {} if metric_id in WHOLE else {"Counted as": yes if row["counts"] else no}
    return {
        "Person": row["name"] or "(no name)",
        "Starts": row["starts_local"],
        "Outcome": words(row["outcome"], OUTCOME_NAMES) or "not entered",
        **counted_as,
        "Agent": slice_value(row["agent"]),
        "Set": row["set_local"],
        "Times booked": row["bookings"],
        "Source": slice_value(row["source"]),
        "Kind": slice_value(row["category"]),
        "Lead": row["lead_id"] or "",
        "Appointment": row["chain_id"],
    }


def _person(row: queries.Row, metric_id: str) -> queries.Row:
    yes, no = labels(metric_id)
    return {
        "Person": row["name"] or "(no name)",
        "First met": row["starts_local"],
        "Counted as": yes if row["counts"] else no,
        "Agreement": row["agreement_local"],
        "Contract": row["contract_local"],
        "Source": slice_value(row["source"]),
        "Agent": slice_value(row["agent"]),
        "Kind": slice_value(row["category"]),
        "Lead": row["lead_id"] or "",
        "Appointment": row["chain_id"],
    }


def _until(lead: queries.Row, ended: str) -> str:
    if lead["waited_seconds"] is None:
        return ""
    if lead["has_happened"]:
        return ended
    return words(lead["ended_by"], END_NAMES)


def frame(leads: list[queries.Row], metric_id: str) -> pd.DataFrame:
    """The list as a table; the wait as a duration, so that it reads well and sorts right."""
    rows = export(leads, metric_id)
    table = pd.DataFrame({"Person": [lead["name"] or "(no name)" for lead in leads]})
    for column in list(rows[0])[1:]:
        values = [row[column] for row in rows]
        if column == "Waited (minutes)":
            seconds = pd.Series([lead["waited_seconds"] for lead in leads], dtype="float64").round()
            # Seconds decide about a target of minutes; in a wait of hours they are noise.
            seconds = seconds.where(~(seconds >= 600), (seconds / 60).round() * 60)
            table["Waited"] = pd.to_timedelta(seconds, unit="s")
        elif any(value not in (None, "", "(not given)") for value in values):  # an empty column helps nobody
            table[column] = values
    if not any(lead["name"] for lead in leads):
        table = table.drop(columns="Person")
        table.insert(0, "Lead", table.pop("Lead"))
    return table if table.get("Waited") is None or table["Waited"].notna().any() else table.drop(columns="Waited")


def _columns(leads: list[queries.Row]) -> dict[str, Any]:
    years = {(lead.get("opened_local") or lead["starts_local"]).year for lead in leads}
    moment = st.column_config.DatetimeColumn(format="MMM D, h:mm A" if len(years) == 1 else "MMM D, YYYY, h:mm A")
    waited = st.column_config.NumberColumn(format="localized")
    return {"Waited": waited, "Came in": moment, "Answered at": moment, "Reached at": moment, "Target": moment,
            "Set at": moment, "Set": moment, "Starts": moment, "First met": moment, "Agreement": moment,
            "Contract": moment}  # fmt: skip
