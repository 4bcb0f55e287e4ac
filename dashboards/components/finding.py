"""One trouble whole: what, why, what to do, its history, and its rows; and a row as it stands.

A trouble is a check about a subject, with or without an alert. Its rows are those of the last build; one of them is
opened over the page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import streamlit as st

from dagster_project.state import Alert, OffendingRow, Result, StateError
from dashboards import noted, queries
from dashboards.components import filters, history, layout, loaded, pager
from dashboards.components.formats import chart_text, count, csv_bytes, day, moment, plain

ROWS_A_PIECE = 15
WORDS_OF = {"critical": "Critical", "warning": "Warning"}
BADGES = {"critical": ("red", ":material/error:"), "warning": ("orange", ":material/warning:")}


@dataclass(frozen=True)
class Finding:
    """What is known of a check about a subject: by its alert, by the last build, or by the figures shown."""

    check_name: str
    subject: str
    observed: str
    expected: str
    why: str
    what_to_do: str
    offenders: tuple[str, ...] = ()

    @property
    def key(self) -> noted.Key:
        """Check and subject."""
        return self.check_name, self.subject

    @property
    def name(self) -> str:
        """The check's name in words, and its subject."""
        return f"{loaded.name(self.check_name)} · {self.subject}"


def of_alert(alert: Alert, why: str) -> Finding:
    """An alert; why it matters is told by its check, where one stands behind it."""
    return Finding(
        check_name=alert.check_name,
        subject=alert.subject,
        observed=alert.observed,
        expected=alert.expected,
        why=why,
        what_to_do=alert.what_to_do,
        offenders=alert.offenders,
    )


def of_check(check: queries.Row) -> Finding:
    """A result of the figures shown; a file of an earlier version has no offenders."""
    return Finding(
        check_name=check["check_name"],
        subject=check["subject"],
        observed=check["observed"],
        expected=check["expected"],
        why=check["why"],
        what_to_do=check["what_to_do"],
        offenders=tuple(check.get("offenders") or ()),
    )


def headline(alert: Alert, why: str) -> str:
    """An alert as a sentence: its title, or why it matters where the title is but the check's name."""
    is_name = loaded.name(alert.title) == loaded.name(alert.check_name)
    return why if why and is_name else alert.title[:1].upper() + alert.title[1:]


def tone(severity: str) -> str:
    """The severity as a part of a key, by which a card is coloured."""
    return severity if severity in BADGES else "warning"


def badge(severity: str) -> None:
    """The severity as a word, a mark and a colour."""
    colour, icon = BADGES.get(severity, ("gray", ":material/info:"))
    st.badge(plain(WORDS_OF.get(severity, severity)), icon=icon, color=colour)  # type: ignore[arg-type]


def about(finding: Finding) -> None:
    """What was found, why it matters, what to do."""
    if finding.why:
        st.markdown(f"**Why it matters** {plain(finding.why)}")
    if finding.what_to_do:
        st.markdown(f"**What to do** {plain(finding.what_to_do)}")
    found, expected = plain(loaded.shortened(finding.observed)), plain(finding.expected)
    st.markdown(f"**Found** {found}" + (f", expected {expected}" if expected else ""))
    if finding.offenders:
        st.markdown(f"**Which** {', '.join(plain(offender) for offender in finding.offenders)}")
    st.caption(plain(finding.name))


def past(results: Sequence[Result], build: queries.Row) -> None:
    """What the check found in the builds before."""
    st.subheader("In the last builds", anchor=False)
    if not results:
        st.markdown("No build is remembered in which this was checked.")
        return
    figure, told = history.chart(results)
    with st.container(key="panel-history"):
        st.plotly_chart(figure, theme=None, config=history.CONFIG, key="history", alt=chart_text(told, 500))
    ends = [f"{layout.local(result.checked_at, build):%b %-d}" for result in (results[0], results[-1])]
    between = f" From {ends[0]} to {ends[1]}, the newest at the right." if len(results) > 1 else ""
    st.caption(f"{plain(told)}{between} A cross is a build in which it failed.")
    with st.expander("Each build"):
        table = [
            {
                "When": layout.local(result.checked_at, build),
                "Result": result.status,
                "Found": result.observed,
                "Expected": result.expected,
            }
            for result in reversed(results)
        ]
        columns = {"When": st.column_config.DatetimeColumn(format="MMM D, YYYY, h:mm A")}
        st.dataframe(pd.DataFrame(table), hide_index=True, column_config=columns, placeholder="")


def rows_of(snap: queries.Snapshot, key: noted.Key) -> list[OffendingRow]:
    """The rows of the last build; where none are noted, or the state cannot be read, those of the figures shown."""
    try:
        found = noted.rows(key)
    except StateError:  # the page has told it
        found = []
    return found or [OffendingRow(**row) for row in queries.check_rows(snap, *key)]


def token(row: OffendingRow) -> str:
    """What names a row in the address: the same for the same place, whatever else fails beside it."""
    parts = (row.source, row.entity, row.file, row.line, row.row_id, row.note)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def place(row: OffendingRow) -> str:
    """Where a row is, in words."""
    parts = [row.file or row.source or "", f"line {count(row.line)}" if row.line is not None else "", row.row_id or ""]
    return " · ".join(part for part in parts if part) or (row.note or "a row without a place")


def show_rows(snap: queries.Snapshot, finding: Finding) -> None:
    """The rows, each one click from its own content."""
    st.subheader("Rows", anchor=False)
    found = rows_of(snap, finding.key)
    if not found:
        _instead(snap, finding)
        return
    st.markdown(f"**{count(len(found))}** row{'s' if len(found) != 1 else ''}. Click one to see it.")
    with st.container(key="panel-rows", gap=None):
        shown = pager.piece(found, ROWS_A_PIECE, "Rows")
        for number, row in enumerate(shown):
            with st.container(key=f"line-{number}", horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    plain(place(row)),
                    key=f"row-{number}",
                    type="tertiary",
                    on_click=filters.go,
                    kwargs={"row": token(row)},
                )
                said = [row.source if row.file else "", row.entity, row.note, _telling(snap, row)]
                st.caption(" · ".join(plain(part) for part in said if part))
    st.download_button(
        "Download the places as CSV",
        csv_bytes([_table_row(row) for row in found]),
        file_name="offending-rows.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    asked = st.query_params.get("row")
    opened = next((row for row in found if token(row) == asked), None)
    if opened:
        dialog = st.dialog(plain(place(opened)), width="large", on_dismiss=lambda: filters.go(row=""))
        dialog(_one)(snap, opened)
    elif asked:
        st.info("That row is no longer among them.", icon=":material/info:")


def _instead(snap: queries.Snapshot, finding: Finding) -> None:
    """Where no row is noted: the way to what was set aside of the file or source it is about, else to the builds."""
    st.markdown("No single row is noted for this.")
    closed = dict.fromkeys(("alert", "check", "subject", "row", "page"), "")
    related = _related(snap, finding)
    for number, group in enumerate(related):
        words = f"Rows set aside of {group['file'] or group['source']}"
        target = closed | group | {"part": "aside"}
        st.button(plain(words), key=f"aside-{number}", on_click=filters.go, kwargs=target)
    if not related:
        st.button("See the builds", key="to-builds", on_click=filters.go, kwargs=closed | {"part": "builds"})


def _related(snap: queries.Snapshot, finding: Finding) -> list[dict[str, str]]:
    """Source and file of what was set aside that a finding names: as `source/file`, or a source alone."""
    named = {finding.subject, *finding.offenders}
    groups = queries.quarantine_groups(snap)
    files = sorted(
        {(group["source"], group["file"]) for group in groups if f"{group['source']}/{group['file']}" in named}
    )
    sources = sorted({(group["source"], "") for group in groups if group["source"] in named})
    return [{"source": source, "file": file} for source, file in (files or sources)[:5]]


def _table_row(row: OffendingRow) -> dict[str, Any]:
    return {
        "Source": row.source,
        "Holds": row.entity,
        "File": row.file,
        "Line": row.line,
        "Id": row.row_id,
        "Note": row.note,
    }


def _telling(snap: queries.Snapshot, row: OffendingRow) -> str:
    """The row in a line, of what the figures shown hold of it."""
    found = queries.canonical_row(snap, row.entity, row.row_id, row.source) if row.entity and row.row_id else None
    if not found or not row.entity:
        return ""
    kind = queries.ENTITIES[row.entity]
    when = found.get(kind.moment)
    parts = [moment(when) if isinstance(when, datetime) else day(when) if isinstance(when, date) else ""]
    parts += [str(found[column]) for column in kind.telling if column in found]
    return ", ".join(part for part in parts if part)


def _one(snap: queries.Snapshot, row: OffendingRow) -> None:
    """A row as it stands: its raw text where it could not be read, else what the figures hold of it."""
    said = [row.source, row.entity, row.note]
    st.caption(" · ".join(plain(part) for part in said if part))
    raw = queries.set_aside_row(snap, row.source, row.file, row.line) if row.line is not None and row.file else None
    if raw:
        loaded.raw_row(raw)
        return
    found = queries.canonical_row(snap, row.entity, row.row_id, row.source) if row.entity and row.row_id else None
    if found:
        st.markdown("As it is in the figures shown:")
        st.dataframe(
            pd.DataFrame([{"Column": name, "Value": str(value)} for name, value in found.items()]),
            hide_index=True,
            height="content",
            placeholder="",
        )
        return
    st.markdown(
        "The figures shown do not hold this row: the build that found it was not published, or it was taken out since."
    )
    where = f"line {count(row.line)} of {plain(row.file)}" if row.file and row.line is not None else plain(place(row))
    st.markdown(f"Look at {where} in the export. `leadhouse quarantine --rows` shows rows of a load that was refused.")
