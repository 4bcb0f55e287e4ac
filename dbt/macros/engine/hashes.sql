{# A 64-bit fingerprint of a whole row (a table alias), for finding out what changed; never an identity. #}
{% macro row_hash(alias) -%}
  {{ adapter.dispatch('row_hash', 'leadhouse')(alias) }}
{%- endmacro %}

{% macro duckdb__row_hash(alias) -%}
  cast(hash({{ alias }}) as hugeint)
{%- endmacro %}
