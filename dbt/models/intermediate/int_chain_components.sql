-- One row per booking: the component of replacements it belongs to.
{{ connected_components(ref('int_chain_edges')) }}
