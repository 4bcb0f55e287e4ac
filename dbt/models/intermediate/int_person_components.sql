-- One row per node of the identity graph: the component it belongs to.
{{ connected_components(ref('int_identity_edges')) }}
