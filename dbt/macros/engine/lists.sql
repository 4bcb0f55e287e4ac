{#
  One row per piece of a text, with its place from 1: a lateral relation of (place, piece). Pieces are stripped of all
  white space around them, tabs too, as ingest strips them (sources/identifiers.py): trim() takes spaces only.
#}
{% macro split_with_position(text, mark) -%}
  {{ adapter.dispatch('split_with_position', 'leadhouse')(text, mark) }}
{%- endmacro %}

{% macro duckdb__split_with_position(text, mark) -%}
  lateral (
      select
          unnest(range(1, len(split.pieces) + 1)),
          regexp_replace(unnest(split.pieces), '^\s+|\s+$', '', 'g')
      from (select string_split({{ text }}, '{{ mark }}') as pieces) as split
  )
{%- endmacro %}
