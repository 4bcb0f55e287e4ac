"""What the numbers mean: every definition, from the same table as the numbers."""

from __future__ import annotations

import streamlit as st

from dashboards import queries
from dashboards.components import layout
from dashboards.components.formats import plain

snap, build = layout.begin()
layout.heading("What the numbers mean", build)
st.write("Each number has one definition. The pages, the exports and the `leadhouse metrics` command all use it.")
grid = st.grid(2, min_column_width=420)
for metric in queries.definitions(snap).values():
    with grid.container(height="stretch", key=f"panel-{metric['metric_id']}"):
        st.markdown(f"##### {plain(metric['label'])}")
        st.text(metric["words"])
        st.caption(f"How it is computed: {plain(metric['formula'])}")
        st.caption(f"Name in exports: {plain(metric['metric_id'])}")
