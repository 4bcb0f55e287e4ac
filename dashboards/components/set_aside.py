"""Rows that could not be read: why, how many, what lets them load; and the rows as they stand."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import queries
from dashboards.components import filters, loaded, narrow, pager
from dashboards.components.formats import count, plain

FILTERS = ("source", "entity", "reason", "file", "column")
CHOSEN_FROM_A_LIST = FILTERS[:3]
COLUMNS = dict(zip(FILTERS, ("source", "entity", "reason", "file", "column_name"), strict=True))
GROUPS_A_PIECE = 10


def show(snap: queries.Snapshot, chosen: filters.Address, notes: list[str]) -> None:
    """The groups that the address lets through, each one click from its rows, and the rows."""
    groups = queries.quarantine_groups(snap)
    if not groups:
        narrow.told(notes)
        st.markdown("No row was set aside: every one could be read.")
        return
    st.markdown(
        "These rows could not be read, so no number counts them. Mend the file or its mapping, then release them."
    )
    narrow.choose(groups, CHOSEN_FROM_A_LIST, chosen, notes)
    for name in ("file", "column"):
        if chosen.get(name) and chosen[name] not in {group[COLUMNS[name]] for group in groups}:
            notes.append(f"Nothing is set aside of {name} “{plain(chosen[name])}”; showing every {name}.")
            del chosen[name]
    narrow.told(notes)
    shown = [group for group in groups if all(group[COLUMNS[name]] == text for name, text in chosen.items()
                                              if name in COLUMNS)]  # fmt: skip
    is_opened = "file" in chosen
    if is_opened:
        everything = dict.fromkeys((*FILTERS, "page"), "")
        st.button("All of them", icon=":material/arrow_back:", on_click=filters.go, kwargs=everything)
    with st.container(key="panel-groups", gap=None):
        for number, group in enumerate(pager.piece(shown, GROUPS_A_PIECE, "Groups")):
            with st.container(key=f"line-{number}", gap=None):
                _group(group, number, is_opened)
    _rows(snap, chosen, sum(group["rows"] for group in shown))
    with st.expander("With the command"):
        st.markdown(
            "`leadhouse quarantine` lists them, `... explain ID` shows a row and what to paste, `... export` writes a"
            " spreadsheet, `... release` tries them again and builds, `... history` counts them week by week."
        )


def _group(group: queries.Row, number: int, is_opened: bool) -> None:
    """Rows that were set aside for one reason; nothing of the rows themselves."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{count(group['rows'])}** · {loaded.group_words(group)}", width="content")
        if not is_opened:
            target = {name: group[column] or "" for name, column in COLUMNS.items()} | {"page": ""}
            words = "Show the row" if group["rows"] == 1 else f"Show the {count(group['rows'])} rows"
            st.button(words, key=f"group-{number}", type="tertiary", on_click=filters.go, kwargs=target)
    st.caption(f"{plain(group['source'])} · {plain(group['file'])}, first on line {count(group['first_line'])}")
    st.caption(f"What to do: {plain(group['fix'])}" if group["fix"] else f"Expected {plain(group['expected'])}")


def _rows(snap: queries.Snapshot, chosen: filters.Address, total: int) -> None:
    source, entity, reason, file, column = (chosen.get(name, "") for name in FILTERS)
    rows = queries.quarantine(snap, source, entity, reason, file, column)
    st.subheader("The rows as they stand", anchor=False)
    first = f", of which the first {count(len(rows))} are shown" if total > len(rows) else ""
    st.caption(f"{count(total)} row{'' if total == 1 else 's'}{first}")
    if len(rows) == 1:
        with st.container(key="panel-raw"):
            loaded.raw_row(rows[0])
    else:
        table = pd.DataFrame(loaded.set_aside_rows(rows))
        st.dataframe(table, hide_index=True, column_config=loaded.set_aside_columns(), placeholder="")
    if rows:
        loaded.download(rows)
