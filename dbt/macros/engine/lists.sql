{# One row per trimmed piece of a text, with its place from 1: a lateral relation of (place, piece). #}
{% macro split_with_position(text, mark) -%}
  {{ adapter.dispatch('split_with_position', 'leadhouse')(text, mark) }}
{%- endmacro %}

{% macro duckdb__split_with_position(text, mark) -%}
  lateral (
      select
          unnest(range(1, len(s.pieces) + 1)),
          trim(unnest(s.pieces))
      from (select string_split({{ text }}, '{{ mark }}') as pieces) as s
  )
{%- endmacro %}
