{#
  What the agent gets of a commission where nobody entered it: the configured share of it, or null where none is set.
  Widened first: DuckDB multiplies two decimals of up to 18 digits within 18 digits, scales added.
#}
{% macro default_agent_split(gci) -%}
  {%- set share = var('default_agent_split') -%}
  {%- if share is none -%}
  cast(null as decimal(38, 6))
  {%- else -%}
  cast(cast({{ gci }} as decimal(38, 6)) * cast('{{ share }}' as decimal(9, 8)) as decimal(38, 6))
  {%- endif -%}
{%- endmacro %}

{#
  What an entry adds to source economics. Each is a column of source_economics_entries, summed by int_economics_periods.

    type     of the column and of its sums
    of       which entries add anything
    adds     what: an expression over the entry (e), its deal (d), its lead (s) and the category of its source (c)
#}
{% macro economics_amounts() -%}
  {%- set money = 'decimal(38, 6)' -%}
  {{ return({
    'cost_media': {'type': money, 'of': "e.entry in ('media', 'vendor_fee')", 'adds': 'e.amount'},
    'cost_media_mapped': {'type': money, 'of': "e.entry in ('media', 'vendor_fee')",
      'adds': 'if(c.source is null, 0, e.amount)'},
    'cost_fees': {'type': money, 'of': "e.entry in ('success_fee', 'referral_fee')", 'adds': 'e.amount'},
    'leads_eligible': {'type': 'bigint', 'of': "e.entry = 'lead'", 'adds': '1'},
    'leads_settled': {'type': 'bigint', 'of': "e.entry = 'lead'", 'adds': 'cast(s.is_settled as bigint)'},
    'appointments_set': {'type': 'bigint', 'of': "e.entry = 'appointment_set'", 'adds': '1'},
    'appointments_held': {'type': 'bigint', 'of': "e.entry = 'appointment_held'", 'adds': '1'},
    'contracts': {'type': 'bigint', 'of': "e.entry = 'contract'", 'adds': '1'},
    'closes': {'type': 'bigint', 'of': "e.entry = 'closing'", 'adds': '1'},
    'closes_with_gci': {'type': 'bigint', 'of': "e.entry = 'closing'", 'adds': 'cast(d.closed_gci is not null as bigint)'},
    'gci': {'type': money, 'of': "e.entry = 'closing'", 'adds': 'd.closed_gci'},
    'company_dollar': {'type': money, 'of': "e.entry = 'closing'", 'adds': 'd.company_dollar'},
    'pending_gci': {'type': money, 'of': "e.entry = 'contract'", 'adds': 'd.pending_gci'},
    'splits_missing': {'type': 'bigint', 'of': "e.entry = 'closing'", 'adds': 'cast(d.is_split_missing as bigint)'},
    'splits_assumed': {'type': 'bigint', 'of': "e.entry = 'closing'", 'adds': 'cast(d.is_split_assumed as bigint)'},
  }) }}
{%- endmacro %}

{# The amounts above summed, for a select list. #}
{% macro economics_sums() -%}
  {%- for amount, rule in economics_amounts().items() %}
  cast(sum({{ amount }}) as {{ rule.type }}) as {{ amount }}{{ ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}
