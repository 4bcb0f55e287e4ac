{#
  Connected components of an undirected graph given as (node, neighbour), both directions and a loop for lonely nodes.
  Every node takes the least label among its neighbours until nothing changes. Returns (node, component).
#}
{% macro connected_components(edges) -%}
  {{ adapter.dispatch('connected_components', 'leadhouse')(edges) }}
{%- endmacro %}

{% macro duckdb__connected_components(edges) -%}
  with recursive labels (node, label) using key (node) as (
      select
          node,
          min(least(node, neighbour)) as label
      from {{ edges }}
      group by node
      union
      select
          e.node,
          min(l.label) as label
      from labels as l
      inner join {{ edges }} as e on l.node = e.neighbour
      inner join recurring.labels as r on e.node = r.node
      where l.label < r.label
      group by e.node
  )

  select
      node,
      label as component
  from labels
{%- endmacro %}
