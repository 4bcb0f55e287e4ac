"""What was loaded: the sources, the checks, every file's rows, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import queries
from dashboards.components import filters, layout, loaded
from dashboards.components.formats import count, moment, plain, words

PARTS = ("source", "entity", "reason")


@st.cache_data(max_entries=4, show_spinner=False)
def load(version: queries.Version, _snap: queries.Snapshot) -> dict[str, list[queries.Row]]:
    """Everything the page shows but the set-aside rows themselves."""
    return {
        "sources": queries.sources(_snap),
        "files": queries.load_log(_snap),
        "checks": queries.checks(_snap),
        "set_aside": queries.quarantine_groups(_snap),
    }


def options(rows: Iterable[queries.Row], part: str) -> list[str]:
    """The values of a filter, with an empty one that lets everything through."""
    return ["", *sorted({row[part] for row in rows if row[part]})]


def label(part: str, value: str) -> str:
    """The words of a filter's value."""
    return (words(value, loaded.REASONS) if part == "reason" else value) if value else f"Every {part}"


def narrow(part: str) -> None:
    """Write a filter into the address."""
    filters.go(**{part: st.session_state[f"q-{part}"]})


def show(rows: list[dict[str, Any]], columns: dict[str, Any] | None = None) -> None:
    """A table."""
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, placeholder="")


snap, build = layout.begin()
data = load(snap.version, snap)
sources, files, checks, set_aside = data["sources"], data["files"], data["checks"], data["set_aside"]
asked = filters.remembered("loaded")
chosen = {part: asked.get(part, "") for part in PARTS}
corrections = []
for part in PARTS:
    if chosen[part] and chosen[part] not in options(set_aside, part):
        corrections.append(f"No row of {part} “{plain(chosen[part])}” is set aside; showing every {part}.")
        chosen[part] = ""
filters.remember("loaded", {part: value for part, value in chosen.items() if value})

layout.heading("What was loaded", build, f"Built {moment(build['built_local'])}.")
if corrections:
    st.info("  \n".join(corrections), icon=":material/edit:")
with st.container(key="summary"):
    st.markdown(loaded.verdict(sources, files, checks))

st.subheader("Checks", anchor=False)
failed = [check for check in checks if check["status"] != "passed"]
for number, check in enumerate(failed):  # a file may fail one check more than once
    with st.container(key=f"panel-check-{number}", gap="xsmall"):
        serious = check["severity"] == "critical"
        icon = ":material/error:" if serious else ":material/warning:"
        st.markdown(f"{icon} **{plain(check['why'])}**")
        st.markdown(f"What to do: {plain(check['what_to_do'])}")
        st.caption(f"Found {plain(loaded.shortened(check['observed']))}, expected {plain(check['expected'])}.")
        owner = f", for {plain(check['owner'])}" if check["owner"] else ""
        kind = "Critical: nothing is published while it fails" if serious else "Warning"
        st.caption(f"{kind}{owner} · {plain(loaded.name(check['check_name']))} · {plain(check['subject'])}")
if not failed:
    st.markdown(":material/check_circle: Every check passed.")
with st.expander(f"All {count(len(checks))} checks"):
    show(loaded.check_rows(checks))

st.subheader("Sources", anchor=False)
show(loaded.source_rows(sources), loaded.source_columns())

st.subheader("Files", anchor=False)
st.markdown(loaded.equation(files))
show(loaded.file_rows(files), loaded.file_columns())

st.subheader("Rows set aside", anchor=False)
if not set_aside:
    st.markdown("No row was set aside: every one could be read.")
    st.stop()
st.markdown("These rows could not be read, so no number counts them. Mend the file or its mapping, then release them.")
with st.container(key="filters"):
    for column, part in zip(st.columns(3), PARTS, strict=True):
        st.session_state[f"q-{part}"] = chosen[part]
        column.selectbox(
            part.capitalize(),
            options(set_aside, part),
            key=f"q-{part}",
            format_func=partial(label, part),
            on_change=partial(narrow, part),
        )
groups = [group for group in set_aside if all(chosen[part] in ("", group[part]) for part in PARTS)]
show(loaded.group_rows(groups), loaded.group_columns())
st.markdown(
    "In the command: `leadhouse quarantine` lists them, `... explain ID` shows a row and what to paste, `... export`"
    " writes a spreadsheet, `... release` tries them again and builds, `... history` counts them week by week."
)
rows = queries.quarantine(snap, chosen["source"], chosen["entity"], chosen["reason"])
total = sum(group["rows"] for group in groups)
st.caption(f"{count(total)} rows" + (f", of which the first {count(len(rows))} are shown" if total > len(rows) else ""))
show(loaded.set_aside_rows(rows), loaded.set_aside_columns())
if rows:
    loaded.download(rows)
