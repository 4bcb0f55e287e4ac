{#
  Kaplan-Meier over durations: `relation` has the columns of `groups`, duration_us, events, leads (leads whose wait ended
  or was cut off at that duration, aggregated). Returns one row per group and event time: survival, and its
  log-log limits by Greenwood's variance (METRICS.md section 3; Kalbfleisch and Prentice, section 1.4).
  At survival 0 the limits are undefined.
#}
{% macro kaplan_meier(relation, groups) -%}
  {%- set partition = groups | join(', ') -%}
  select
      {{ partition }},
      duration_us,
      survival,
      case when survival > 0 then pow(survival, exp({{ z95() }} * sqrt(variance) / ln(survival))) end as survival_high,
      case when survival > 0 then pow(survival, exp(-{{ z95() }} * sqrt(variance) / ln(survival))) end as survival_low
  from (
      select
          {{ partition }},
          duration_us,
          product(1 - events / at_risk) over in_order as survival,
          sum(case when at_risk > events then events / (at_risk * (at_risk - events)) end) over in_order as variance
      from (
          select
              {{ partition }},
              duration_us,
              cast(events as double) as events,
              -- waiting at this moment: all whose wait is at least as long, censored at the same moment included
              cast(sum(leads) over (
                  partition by {{ partition }} order by duration_us desc
                  rows between unbounded preceding and current row
              ) as double) as at_risk
          from {{ relation }}
      ) as waiting
      where events > 0
      window in_order as (
          partition by {{ partition }} order by duration_us rows between unbounded preceding and current row
      )
  ) as curve
{%- endmacro %}

{# The first moment at which a curve is at or below a share, in minutes; the tolerance is METRICS.md's. #}
{% macro first_at_or_below(curve, share) -%}
  (min(case when {{ curve }} <= {{ share }} + 1e-9 then duration_us end) / 60000000.0)
{%- endmacro %}
