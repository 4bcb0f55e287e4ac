"""A long list in short pieces; which one is in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from dashboards.components import filters
from dashboards.components.formats import count

T = TypeVar("T")


def piece(items: Sequence[T], size: int, what: str) -> Sequence[T]:
    """The items of the piece that the address names; above it, where there are several, which, and the way on."""
    last = max(0, (len(items) - 1) // size)
    asked = st.query_params.get("page", "1")
    page = min(max(int(asked) if asked.isdecimal() and len(asked) < 9 else 1, 1), last + 1)
    shown = items[(page - 1) * size : page * size]
    if last:
        with st.container(horizontal=True, vertical_alignment="center", key="pager"):
            first = (page - 1) * size + 1
            st.markdown(f"{what} {count(first)} to {count(first + len(shown) - 1)} of {count(len(items))}")
            for words, target in (("Earlier", page - 1), ("Later", page + 1)):
                st.button(
                    words,
                    key=f"page-{words.lower()}",
                    disabled=not 1 <= target <= last + 1,
                    on_click=filters.go,
                    kwargs={"page": str(target)},
                )
    return shown
