{# The place of a row in its seed file: the first pattern that fits wins, as the person who edits the file expects. #}
{% macro seed_order(alias) -%}
  {{ adapter.dispatch('seed_order', 'leadhouse')(alias) }}
{%- endmacro %}

{% macro duckdb__seed_order(alias) -%}
  {{ alias }}.rowid
{%- endmacro %}
