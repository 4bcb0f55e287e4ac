{#
  Time arithmetic lives here and nowhere else (METRICS.md section 1).
  Instants are TIMESTAMPTZ, local times TIMESTAMP; the session's zone is UTC.
#}

{# The moment the figures are true at. #}
{% macro as_of() -%}
  (select as_of from {{ ref('as_of') }})
{%- endmacro %}

{# A date that lies after as_of is not known yet. #}
{% macro known_by_as_of(column) -%}
  case when {{ column }} <= {{ as_of() }} then {{ column }} end
{%- endmacro %}

{% macro to_local(instant, zone=none) -%}
  {{ adapter.dispatch('to_local', 'leadhouse')(instant, zone or "'" ~ var('timezone') ~ "'") }}
{%- endmacro %}

{% macro default__to_local(instant, zone) -%}
  ({{ instant }} at time zone {{ zone }})
{%- endmacro %}

{#
  A local time in the spring gap moves forward by the gap; one that exists twice is the second, standard-time one.
  DuckDB's AT TIME ZONE does exactly that; another engine must be shown to.
#}
{% macro to_utc(local, zone=none) -%}
  {{ adapter.dispatch('to_utc', 'leadhouse')(local, zone or "'" ~ var('timezone') ~ "'") }}
{%- endmacro %}

{% macro default__to_utc(local, zone) -%}
  (({{ local }}) at time zone {{ zone }})
{%- endmacro %}

{# Whole microseconds between two instants: integers add up the same in any order, doubles do not. #}
{% macro microseconds_between(earlier, later) -%}
  {{ adapter.dispatch('microseconds_between', 'leadhouse')(earlier, later) }}
{%- endmacro %}

{% macro default__microseconds_between(earlier, later) -%}
  (epoch_us({{ later }}) - epoch_us({{ earlier }}))
{%- endmacro %}

{% macro seconds_between(earlier, later) -%}
  ({{ microseconds_between(earlier, later) }} / 1000000.0)::double
{%- endmacro %}

{# `amount` is any number; as a decimal first, since an hour in microseconds is more than a 32-bit integer holds. #}
{% macro plus_seconds(instant, amount) -%}
  ({{ instant }} + to_microseconds(cast(cast({{ amount }} as decimal(18, 6)) * 1000000 as bigint)))
{%- endmacro %}

{# First day of the reporting week of a local date. #}
{% macro week_start(local_date) -%}
  {%- if var('week_start') == 'sunday' -%}
  cast(date_trunc('week', cast({{ local_date }} as date) + 1) as date) - 1
  {%- else -%}
  cast(date_trunc('week', cast({{ local_date }} as date)) as date)
  {%- endif -%}
{%- endmacro %}

{# 'HH:MM' as a span from midnight; '24:00' is the end of the day. #}
{% macro clock_interval(text) -%}
  (to_hours(cast(split_part({{ text }}, ':', 1) as integer)) + to_minutes(cast(split_part({{ text }}, ':', 2) as integer)))
{%- endmacro %}
