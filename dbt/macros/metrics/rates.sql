{# The 97.5 % quantile of the normal distribution, to the digits METRICS.md section 5 gives. #}
{% macro z95() -%} 1.959964 {%- endmacro %}

{# numerator / denominator; null when there is nothing to divide by. #}
{% macro rate(numerator, denominator) -%}
  (cast({{ numerator }} as double) / nullif({{ denominator }}, 0))
{%- endmacro %}

{#
  Wilson score limits of a share (Wilson 1927); sign is '-' for the lower one, '+' for the upper one. Held inside 0 and 1,
  which rounding would leave by some 1e-17 at shares of 0 and 1.
#}
{% macro wilson(numerator, denominator, sign) -%}
  {%- set p = rate(numerator, denominator) -%}
  {%- set n = 'nullif(cast(' ~ denominator ~ ' as double), 0)' -%}
  {%- set z = z95() -%}
  case
      when {{ denominator }} > 0
          then {{ 'greatest(0' if sign == '-' else 'least(1' }}, (
              {{ p }} + {{ z }} * {{ z }} / (2 * {{ n }})
              {{ sign }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }}))
          ) / (1 + {{ z }} * {{ z }} / {{ n }}))
  end
{%- endmacro %}

{#
  May one rely on the figure (METRICS.md section 5): not while fewer than half of the cohort is old enough to show it,
  and little with fewer than 20 behind it.
#}
{% macro reliability(mature, cohort, denominator) -%}
  case
      when 2 * {{ mature }} < {{ cohort }} then 'too_early'
      when {{ denominator }} < 20 then 'small'
      else 'ok'
  end
{%- endmacro %}

{# The columns of a rate's figure, of a row with numerator, denominator, cohort and mature (members old enough to judge). #}
{% macro rate_figures() -%}
  {{ rate('numerator', 'denominator') }} as value,
  numerator,
  denominator,
  {{ wilson('numerator', 'denominator', '-') }} as ci_low,
  {{ wilson('numerator', 'denominator', '+') }} as ci_high,
  {{ reliability('mature', 'cohort', 'denominator') }} as reliability
{%- endmacro %}
