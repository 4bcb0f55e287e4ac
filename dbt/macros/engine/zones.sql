{# The zone names the engine knows: a relation of (zone). A zone typed by hand in a CRM may be anything. #}
{% macro known_time_zones() -%}
  {{ adapter.dispatch('known_time_zones', 'leadhouse')() }}
{%- endmacro %}

{% macro duckdb__known_time_zones() -%}
  (select name as zone from pg_timezone_names())
{%- endmacro %}
