{#
  The steps from the CRM's figure to ours, in the order in which a person walks them: columns of marts.reconciliation,
  each signed, and with the CRM's figure they add up to our leads. What a step means stands in reconciliation.yml.
#}
{% macro reconciliation_steps() -%}
  {{ return([
    'since_merged', 'since_deleted', 'same_person', 'no_inquiry', 'repeat_inquiry',
    'late_out', 'early_out', 'other_source_out', 'late_in', 'early_in', 'other_source_in',
    'reopened', 'set_aside', 'each_inquiry', 'no_record', 'record_not_counted', 'call_without_record',
  ]) }}
{%- endmacro %}

{# Reasons for which leads are left out of the rates (METRICS.md section 2). #}
{% macro exclusion_reasons() -%}
  {{ return([
    'test', 'spam', 'import', 'agent_created', 'past_client', 'no_contact_info', 'no_touch_coverage',
  ]) }}
{%- endmacro %}
