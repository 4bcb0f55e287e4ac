"""Tables and sentences of the page about what was loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboards.components.formats import count, csv_bytes, plain, words
from dashboards.queries import Row

# Where the rows of a file can end up; a file's rows are the sum of these.
ENDS = {
    "loaded": "loaded",
    "quarantined": "set aside as unreadable",
    "exact_duplicates": "exact duplicates",
    "superseded": "replaced by a later file",
    "filtered": "left out by your own row filter",
}
REASONS = {
    "missing_required": "a required value is missing",
    "unreadable_value": "a value cannot be read",
    "unknown_word": "a word that is not on the list",
    "conflicting_id": "the same id again with other content",
    "bad_quoting": "quotes that do not match",
    "wrong_width": "too many or too few cells",
    "unknown_currency": "a currency without a rate",
}
SHORT = {"quarantined": "Set aside", "exact_duplicates": "Duplicates", "superseded": "Replaced", "filtered": "Left out"}
LAYERS = {"arrival": "What arrived", "structure": "How it hangs together", "metrics": "The numbers"}
STATUS = {"loaded": "loaded", "unchanged": "unchanged since the last build", "gone": "no longer there"}


def name(check: str) -> str:
    """The name of a check in words."""
    return check.replace("_", " ").strip().capitalize()


def shortened(found: object) -> str:
    """What a check found, its long fractions cut to what a reader needs."""
    return re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.3g}", str(found))


def equation(files: list[Row]) -> str:
    """Where every row of every file went."""
    ends = [end for end in ENDS if files and end in files[0]]
    parts = [f"{count(_sum(files, end))} {ENDS[end]}" for end in ends if _sum(files, end) or end == "loaded"]
    rows, accounted = _sum(files, "rows"), sum(_sum(files, end) for end in ends)
    line = f"**{count(rows)}** rows in the files = {' + '.join(parts)}."
    if rows != accounted:
        line += f" :material/error: {count(abs(rows - accounted))} rows are not accounted for."
    return line


def _sum(rows: list[Row], column: str) -> int:
    return sum(row.get(column) or 0 for row in rows)


def check_rows(checks: list[Row], strips: Mapping[tuple[str, str], str]) -> list[Row]:
    """Every check; `strips`: its last builds as marks, by check and subject."""
    return [
        {
            "Check": name(check["check_name"]),
            "About": check["subject"],
            "Result": "passed" if check["status"] == "passed" else f"failed ({check['severity']})",
            "Last builds": strips.get((check["check_name"], check["subject"]), ""),
            "What to do": check["what_to_do"],
            "Owner": check["owner"],
            "Severity": check["severity"],
            "Looks at": LAYERS.get(check["layer"], check["layer"]),
            "Found": shortened(check["observed"]),
            "Expected": check["expected"],
            "Why it matters": check["why"],
        }
        for check in checks
    ]


def source_rows(sources: list[Row]) -> list[Row]:
    """Every source with how far it reaches."""
    return [
        {
            "Source": source["source"],
            "Data through": source["data_through_local"],
            "Days behind the newest": source["days_behind"],
            "State": _state(source),
            "Rows loaded": source["loaded"],
            "Kind": source["kind"],
            "A lead is": "each record" if source["lead_grain"] == "record" else "an episode of a person",
            "Files are": "increments" if source["mode"] == "append" else "the whole truth",
        }
        for source in sources
    ]


def _state(source: Row) -> str:
    """Whether a source keeps up; spend and people carry no moment to tell it by."""
    if source["data_through"] is None:
        return "no times to tell by"
    return "out of date" if source["is_stale"] else "up to date"


def source_columns() -> dict[str, Any]:
    """How the columns of sources look."""
    return {
        "Data through": st.column_config.DatetimeColumn(format="MMM D, YYYY, h:mm A"),
        "Days behind the newest": st.column_config.NumberColumn(format="%.1f"),
        "Rows loaded": st.column_config.NumberColumn(format="localized"),
    }


def file_rows(files: list[Row]) -> list[Row]:
    """Every file with the sum of its rows."""
    rows = []
    for file in files:
        ends = {end: file[end] or 0 for end in ENDS if end in file}
        rows.append(
            {
                "Source": file["source"],
                "File": file["file"],
                "Holds": file["entity"],
                "Rows": file["rows"],
                **{SHORT.get(end, ENDS[end].capitalize()): number for end, number in ends.items()},
                "Adds up": "yes" if file["rows"] == sum(ends.values()) else "NO",
                "State": STATUS.get(file["status"], file["status"]),
                "Loaded at": file["loaded_local"],
                "Bytes": file["bytes"],
                "Encoding": file["encoding"],
                "Fingerprint": file["sha256"],
            }
        )
    return rows


def file_columns() -> dict[str, Any]:
    """How the columns of files look."""
    number = st.column_config.NumberColumn(format="localized")
    # The last ones are hidden until somebody asks for them in the table's own menu.
    return {
        **dict.fromkeys(("Rows", "Loaded", *SHORT.values()), number),
        **dict.fromkeys(("Loaded at", "Bytes", "Encoding", "Fingerprint")),
    }


def group_words(group: Row) -> str:
    """Why rows were set aside, in a line; nothing of the rows themselves."""
    column = f" in {plain(group['column_name'])}" if group["column_name"] else ""
    return f"{plain(words(group['reason'], REASONS).capitalize())}{column}"


def raw_row(row: Row) -> None:
    """A row that could not be read: what is wrong with it, and itself as it stands in the file."""
    column = f" in {plain(row['column_name'])}" if row["column_name"] else ""
    found = f"found {plain(row['found'])}, " if row["found"] else ""
    st.markdown(
        f"**{plain(words(row['reason'], REASONS).capitalize())}**{column}: {found}expected {plain(row['expected'])}."
    )
    st.markdown("The row as it stands in the file:")
    st.code(str(row["raw_text"]), language=None, wrap_lines=True)


def set_aside_rows(rows: list[Row]) -> list[Row]:
    """Rows that could not be read."""
    return [
        {
            "Source": row["source"],
            "File": row["file"],
            "Line": row["line"],
            "Why": words(row["reason"], REASONS),
            "Column": row["column_name"],
            "Found": row["found"],
            "Expected": row["expected"],
            "The row as it stands": row["raw_text"],
        }
        for row in rows
    ]


def set_aside_columns() -> dict[str, Any]:
    """How the columns of rows set aside look."""
    return {
        "Line": st.column_config.NumberColumn(format="%d"),
        "Found": st.column_config.TextColumn(width="small"),
        "Expected": st.column_config.TextColumn(width="medium"),
        "The row as it stands": st.column_config.TextColumn(width="large"),
    }


def download(rows: list[Row]) -> None:
    """The rows as a file, to hand to whoever keeps the source."""
    st.download_button(
        "Download as CSV",
        csv_bytes(set_aside_rows(rows)),
        file_name="rows-set-aside.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
