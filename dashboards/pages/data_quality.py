from dashboards.components import layout

snap, build = layout.begin()
layout.heading("This week", build)
