{#
  The rates of leads, each as conditions on one row of marts.leads. To add one: a line here, its words in
  seeds/metric_definitions.csv, its hard cases as a unit test of metric_leads.

    id             metric_id
    denominator    which leads count at all
    numerator      which of those count as yes
    matures_after  T in seconds: while fewer than half of the eligible leads are that old the rate is `too_early`
#}
{% macro lead_rates() -%}
  {%- set day = 86400 -%}
  {%- set sla = "is_eligible and sla_status in ('met', 'missed', 'open_overdue')" -%}
  {{ return([
    {'id': 'answered_within_5m_rate', 'denominator': 'is_eligible and age_seconds >= 300',
     'numerator': 'response_seconds <= 300', 'matures_after': 300},
    {'id': 'answered_within_15m_rate', 'denominator': 'is_eligible and age_seconds >= 900',
     'numerator': 'response_seconds <= 900', 'matures_after': 900},
    {'id': 'answered_within_60m_rate', 'denominator': 'is_eligible and age_seconds >= 3600',
     'numerator': 'response_seconds <= 3600', 'matures_after': 3600},
    {'id': 'never_answered_rate', 'denominator': 'is_eligible and age_seconds >= ' ~ day,
     'numerator': 'first_response_at is null', 'matures_after': day},
    {'id': 'sla_met_rate', 'denominator': sla,
     'numerator': "sla_status = 'met'", 'matures_after': day},
    {'id': 'contact_within_sla_rate', 'denominator': sla,
     'numerator': 'first_contact_at <= due_at', 'matures_after': day},
    {'id': 'contact_rate_48h', 'denominator': 'is_eligible and age_seconds >= ' ~ 2 * day,
     'numerator': 'contact_seconds <= ' ~ 2 * day, 'matures_after': 2 * day},
    {'id': 'contact_rate_14d', 'denominator': 'is_eligible and age_seconds >= ' ~ 14 * day,
     'numerator': 'contact_seconds <= ' ~ 14 * day, 'matures_after': 14 * day},
    {'id': 'set_rate_14d', 'denominator': 'is_eligible and age_seconds >= ' ~ 14 * day,
     'numerator': 'appointment_set_seconds <= ' ~ 14 * day, 'matures_after': 14 * day},
    {'id': 'set_rate_30d', 'denominator': 'is_eligible and age_seconds >= ' ~ 30 * day,
     'numerator': 'appointment_set_seconds <= ' ~ 30 * day, 'matures_after': 30 * day},
  ]) }}
{%- endmacro %}

{# The rates of appointment chains: conditions on one row of marts.appointment_chains that ended 24 h ago or earlier. #}
{% macro appointment_rates() -%}
  {%- set day = 86400 -%}
  {{ return([
    {'id': 'held_rate', 'denominator': 'is_decidable and is_outcome_known',
     'numerator': 'is_held', 'matures_after': day},
    {'id': 'held_rate_low', 'denominator': 'is_decidable',
     'numerator': 'is_held', 'matures_after': day},
    {'id': 'held_rate_high', 'denominator': 'is_decidable',
     'numerator': 'is_held or not is_outcome_known', 'matures_after': day},
    {'id': 'outcome_coverage', 'denominator': 'is_decidable',
     'numerator': 'is_outcome_known', 'matures_after': day},
  ]) }}
{%- endmacro %}

{# The rates of people, from their first held appointment on: conditions on one row of metric_people. #}
{% macro person_rates() -%}
  {%- set day = 86400 -%}
  {{ return([
    {'id': 'agreement_rate_30d', 'denominator': 'age_seconds >= ' ~ 30 * day,
     'numerator': 'agreement_seconds <= ' ~ 30 * day, 'matures_after': 30 * day},
    {'id': 'contract_rate_180d', 'denominator': 'age_seconds >= ' ~ 180 * day,
     'numerator': 'contract_seconds <= ' ~ 180 * day, 'matures_after': 180 * day},
  ]) }}
{%- endmacro %}

{# The ages that make some rate of leads mature, each once. #}
{% macro lead_maturities() -%}
  {{ return(lead_rates() | map(attribute='matures_after') | unique | list) }}
{%- endmacro %}

{# Rates over the outbound touches of all leads: columns of marts.leads to add up. They mature after a day. #}
{% macro touch_rates() -%}
  {{ return([
    {'id': 'automation_inferred_rate', 'numerator': 'outbound_automation_inferred', 'denominator': 'outbound_touches'},
    {'id': 'sender_known_rate', 'numerator': 'outbound_sender_known', 'denominator': 'outbound_touches'},
  ]) }}
{%- endmacro %}

{# Waits of eligible leads whose distribution is estimated by Kaplan-Meier: the event, and the figures read off the curve. #}
{% macro lead_waits() -%}
  {{ return([
    {'id': 'response', 'event_at': 'first_response_at',
     'figures': {'response_minutes_median': 0.5, 'response_minutes_p90': 0.1}},
    {'id': 'response_strict', 'event_at': 'first_response_strict_at',
     'figures': {'response_minutes_median_strict': 0.5}},
    {'id': 'contact', 'event_at': 'first_contact_at',
     'figures': {'contact_minutes_median': 0.5, 'contact_minutes_p90': 0.1}},
  ]) }}
{%- endmacro %}

{# Columns of a lead by which its metrics are sliced; `all` comes on top. #}
{% macro lead_slices() -%}
  {{ return(['category', 'source', 'team', 'agent', 'responder', 'office', 'hours']) }}
{%- endmacro %}

{# The weeks of each period taken together with the week that names it. #}
{% macro periods() -%}
  {{ return({'week': 1, 'trailing_4w': 4, 'trailing_12w': 12, 'trailing_52w': 52}) }}
{%- endmacro %}
