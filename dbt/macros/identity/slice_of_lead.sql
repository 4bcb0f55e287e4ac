{# A slice of what belongs to a lead (alias of marts.leads, left joined): the lead's, unless there is none or it is left out. #}
{% macro slice_of_lead(column, lead) -%}
  case
      when {{ lead }}.lead_id is null then '(unattributed)'
      when not {{ lead }}.is_eligible then '(excluded)'
      else {{ lead }}.{{ column }}
  end
{%- endmacro %}
