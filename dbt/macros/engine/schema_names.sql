{# Schemas are named by what they hold (marts, metrics, ...), not prefixed by a target: one warehouse per brokerage. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
