"""The rows behind the figures of a source: its leads, appointments, deals and costs; to sort, and to take along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import queries
from dashboards.components import filters
from dashboards.components.formats import OUTCOME_NAMES, count, csv_bytes, slice_value, words
from dashboards.queries import EconomicsScope, Row, Snapshot

KINDS = {"leads": "Leads", "appointments": "Appointments", "deals": "Deals", "costs": "Costs"}
ENTRIES = {
    "appointment_set": "set",
    "appointment_held": "held",
    "contract": "contract",
    "closing": "closing",
    "media": "media",
    "vendor_fee": "vendor fee",
    "success_fee": "success fee",
    "referral_fee": "referral fee",
}


def show(snap: Snapshot, scope: EconomicsScope, source: str, kind: str, currency: str) -> None:
    """The rows of one kind, which one is in the address, with a download."""
    st.session_state["s-behind"] = kind
    st.segmented_control(
        "The rows behind",
        list(KINDS),
        key="s-behind",
        required=True,
        format_func=KINDS.__getitem__,
        on_change=lambda: filters.go(behind=st.session_state["s-behind"]),
    )
    rows = words_of(queries.economics_behind(snap, scope, source, kind), kind, currency)
    if not rows:
        st.markdown(f"There are no {kind} behind these figures.")
        return
    days = [name for name in rows[0] if name in ("Day", "First day", "Last day", "Contract", "Closed")]
    moments = [name for name in rows[0] if name in ("Came in", "Starts")]
    amounts = [name for name in rows[0] if name.endswith(currency)]
    columns: dict[str, Any] = (
        dict.fromkeys(days, st.column_config.DateColumn(format="MMM D, YYYY"))
        | dict.fromkeys(moments, st.column_config.DatetimeColumn(format="MMM D, YYYY, h:mm A"))
        | dict.fromkeys(amounts, st.column_config.NumberColumn(format="%,.2f"))
    )
    st.dataframe(
        pd.DataFrame(rows).dropna(axis="columns", how="all"),
        hide_index=True,
        column_config=columns,
        height=min(38 + 35 * len(rows), 400),
        placeholder="",
    )
    st.download_button(
        "Download as CSV",
        lambda: csv_bytes(rows),  # written when it is asked for
        file_name=f"{kind}-{scope.period}-{scope.start}-{scope.view}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"csv-{kind}",
    )
    st.caption(f"{count(len(rows))} rows. {ABOUT[kind]}")


ABOUT = {
    "leads": "Only leads that count; those that are left out are on no row.",
    "appointments": "One row for an appointment set, one more where it was held.",
    "deals": "One row for a contract, one for a closing; company dollar is that of the closing.",
    "costs": "The amounts add up to the cost. A line's source is what the invoice or account says.",
}


def words_of(rows: Sequence[Row], kind: str, currency: str) -> list[Row]:
    """The rows in the words of the page, for the table and the file."""
    return [_WORDS[kind](row, currency) for row in rows]


def _lead(row: Row, currency: str) -> Row:
    return {
        "Person": row["name"] or "(no name)",
        "Came in": row["opened_local"],
        "Settled": "yes" if row["is_settled"] else "not yet",
        "Agent": slice_value(row["agent"]),
        "Source": slice_value(row["source"]),
        "Lead": row["lead_id"],
    }


def _appointment(row: Row, currency: str) -> Row:
    return {
        "Person": row["name"] or "(no name)",
        "Counts as": ENTRIES[row["entry"]],
        "Day": row["day"],
        "Starts": row["starts_local"],
        "Outcome": words(row["outcome"], OUTCOME_NAMES) or "not entered",
        "Agent": slice_value(row["agent"]) if row["agent"] else "",
        "Source": slice_value(row["source"]),
        "Lead": row["lead_id"] or "",
        "Appointment": row["chain_id"],
    }


def _deal(row: Row, currency: str) -> Row:
    split = "missing" if row["splits_missing"] else "assumed" if row["splits_assumed"] else ""
    return {
        "Person": row["name"] or "(no name)",
        "Counts as": ENTRIES[row["entry"]] + (", pending" if row["pending_gci"] else ""),
        "Day": row["day"],
        f"GCI, {currency}": _number(row["gci"]),
        f"Company dollar, {currency}": _number(row["company_dollar"]) if row["entry"] == "closing" else None,
        "Split": split if row["entry"] == "closing" else "",
        "Contract": row["contract_local"],
        "Closed": row["closed_local"],
        "Agent": row["agent"] or "",
        "Source": slice_value(row["source"]),
        "Lead": row["lead_id"] or "",
        "Deal": row["deal_id"],
    }


def _cost(row: Row, currency: str) -> Row:
    return {
        "Kind": ENTRIES[row["entry"]],
        f"Amount, {currency}": _number(row["amount"]),
        "First day": row["first_day"],
        "Last day": row["last_day"],
        "Source": slice_value(row["source"]),
        "Line's source": row["billed"] or "",
        "Campaign": row["campaign"] or "",
        "Deal": row["deal_id"] or "",
        "From": row["feed"] or "",
        "Line": row["spend_id"] or "",
        "Lead": row["lead_id"] or "",
    }


_WORDS = {"leads": _lead, "appointments": _appointment, "deals": _deal, "costs": _cost}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
