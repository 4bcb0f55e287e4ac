{#
  Inbound calls that may be inquiries themselves (METRICS.md section 2). `t` is the alias of a row with the columns of
  stg_touches. A dialer's duration is often the talk alone: how long a caller waited is told by the end, where it is given.
#}
{% macro call_answered(t) -%}
  (
    coalesce({{ t }}.sender_type, 'human') in ('human', 'isa')
    and (
      coalesce({{ t }}.connected, false) or {{ t }}.talked
      or ({{ t }}.connected is null and coalesce({{ t }}.duration_seconds, 0) >= {{ var('contact_min_seconds') }})
    )
  )
{%- endmacro %}

{# False where the caller rang off before anybody could answer. #}
{% macro call_waited(t) -%}
  (
    {{ call_answered(t) }}
    or coalesce(coalesce({{ seconds_between(t ~ '.occurred_at', t ~ '.ended_at') }}, {{ t }}.duration_seconds) >= 15, true)
  )
{%- endmacro %}

{# When the hand was raised: answered, at its start; missed, at its end. #}
{% macro call_opened_at(t) -%}
  case
    when {{ call_answered(t) }} then {{ t }}.occurred_at
    else coalesce({{ t }}.ended_at, {{ plus_seconds(t ~ '.occurred_at', 'coalesce(' ~ t ~ '.duration_seconds, 0)') }})
  end
{%- endmacro %}
