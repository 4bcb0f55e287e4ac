{# The 97.5 % quantile of the normal distribution, to the digits METRICS.md section 5 gives. #}
{% macro z95() -%} 1.959964 {%- endmacro %}

{# numerator / denominator; null when there is nothing to divide by. #}
{% macro rate(numerator, denominator) -%}
  (cast({{ numerator }} as double) / nullif({{ denominator }}, 0))
{%- endmacro %}

{# Wilson score limits of a share (Wilson 1927); sign is '-' for the lower one, '+' for the upper one. #}
{% macro wilson(numerator, denominator, sign) -%}
  {%- set p = rate(numerator, denominator) -%}
  {%- set n = 'nullif(cast(' ~ denominator ~ ' as double), 0)' -%}
  {%- set z = z95() -%}
  (
      ({{ p }} + {{ z }} * {{ z }} / (2 * {{ n }})
      {{ sign }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }})))
      / (1 + {{ z }} * {{ z }} / {{ n }})
  )
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
