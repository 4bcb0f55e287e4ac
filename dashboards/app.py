"""Where `streamlit run` starts: the frame around every page and the way between them."""

from __future__ import annotations

import sys
from pathlib import Path

# `streamlit run` puts this folder on the path, not its parent, from which the pages import `dashboards`.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

from dashboards import queries, theme  # noqa: E402
from dashboards.components import layout  # noqa: E402

# Before the pages are named: else the first one's icon is fetched from elsewhere.
st.set_page_config(page_icon=theme.ICON, layout="wide")
layout.style()
page = st.navigation(
    [
        st.Page("views/weekly.py", title="This week", icon=":material/speed:", default=True),
        st.Page("views/sources.py", title="Sources", icon=":material/savings:", url_path="sources"),
        st.Page("views/data_quality.py", title="Data quality", icon=":material/fact_check:", url_path="loaded"),
        st.Page("views/definitions.py", title="What the numbers mean", icon=":material/menu_book:", url_path="meaning"),
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} · Leadhouse")
try:
    page.run()
except queries.WarehouseError as error:  # a page reads as it draws: another version's file may lack a column of it
    layout.unreadable(error)
