{# What the agent gets of a commission where nobody entered it: the configured share of it, or null where none is set. #}
{% macro default_agent_split(gci) -%}
  {%- set share = var('default_agent_split') -%}
  {%- if share is none -%}
  cast(null as decimal(18, 6))
  {%- else -%}
  cast({{ gci }} * cast('{{ share }}' as decimal(9, 8)) as decimal(18, 6))
  {%- endif -%}
{%- endmacro %}

{#
  What an entry adds to source economics. Each is a column of source_economics_entries, summed by int_economics_periods.

    type     of the column and of its sums
    entries  the kinds of entry that add anything
    adds     what: an expression over the entry (e), its deal (d), its lead (s) and the category of its source (c)
#}
{% macro economics_amounts() -%}
  {%- set money = 'decimal(38, 6)' -%}
  {{ return({
    'cost_media': {'type': money, 'entries': ['media', 'vendor_fee'], 'adds': 'e.amount'},
    'cost_media_mapped': {'type': money, 'entries': ['media', 'vendor_fee'],
      'adds': 'case when c.source is not null then e.amount end'},
    'cost_fees': {'type': money, 'entries': ['success_fee', 'referral_fee'], 'adds': 'e.amount'},
    'leads_eligible': {'type': 'bigint', 'entries': ['lead'], 'adds': '1'},
    'leads_settled': {'type': 'bigint', 'entries': ['lead'], 'adds': 'cast(s.is_settled as bigint)'},
    'appointments_set': {'type': 'bigint', 'entries': ['appointment_set'], 'adds': '1'},
    'appointments_held': {'type': 'bigint', 'entries': ['appointment_held'], 'adds': '1'},
    'contracts': {'type': 'bigint', 'entries': ['contract'], 'adds': '1'},
    'closes': {'type': 'bigint', 'entries': ['closing'], 'adds': '1'},
    'closes_with_gci': {'type': 'bigint', 'entries': ['closing'], 'adds': 'cast(d.closed_gci is not null as bigint)'},
    'gci': {'type': money, 'entries': ['closing'], 'adds': 'd.closed_gci'},
    'company_dollar': {'type': money, 'entries': ['closing'], 'adds': 'd.company_dollar'},
    'pending_gci': {'type': money, 'entries': ['contract'], 'adds': 'd.pending_gci'},
    'splits_missing': {'type': 'bigint', 'entries': ['closing'], 'adds': 'cast(d.is_split_missing as bigint)'},
    'splits_assumed': {'type': 'bigint', 'entries': ['closing'], 'adds': 'cast(d.is_split_assumed as bigint)'},
  }) }}
{%- endmacro %}
