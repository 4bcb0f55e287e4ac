"""Drop-downs that narrow a table by its own values; what is chosen is in the address."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboards import queries
from dashboards.components import filters, loaded
from dashboards.components.formats import plain, words

EVERY = {"layer": "Everything", "status": "Every result"}
LABELS = {"layer": "Looks at", "status": "Result"}
WORDS = {"layer": loaded.LAYERS, "reason": loaded.REASONS}


def choose(rows: Sequence[queries.Row], names: Sequence[str], chosen: filters.Address, notes: list[str]) -> None:
    """Drop-downs for the values that the rows have; one that no row has is taken out of `chosen`, and told."""
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
                format_func=partial(_label, name),
                on_change=partial(_write, name),
            )


def _label(name: str, value: str) -> str:
    """The words of a filter's value; a drop-down shows text as it is."""
    if not value:
        return EVERY.get(name, f"Every {name}")
    return words(value, WORDS[name]) if name in WORDS else value


def _write(name: str) -> None:
    filters.go(**{name: st.session_state[f"q-{name}"], "page": ""})


def matching(rows: Sequence[queries.Row], chosen: filters.Address, names: Sequence[str]) -> list[queries.Row]:
    """The rows that every chosen filter lets through."""
    return [row for row in rows if all(chosen.get(name, "") in ("", row[name]) for name in names)]


def told(notes: Sequence[str]) -> None:
    """What of the address had to be corrected."""
    if notes:
        st.info("  \n".join(notes), icon=":material/edit:")
