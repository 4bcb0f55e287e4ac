{{ config(schema='marts') }}
-- One row per lead: by what it is sliced, and its part in every figure of leads. A rate is a truth value: true = in the
-- numerator, false = only in the denominator, null = in neither. So the leads behind a number can be listed.
select
    lead_id,
    week_start,
    {%- for slice in lead_slices() %}
    {{ slice }},
    {%- endfor %}
    is_eligible,
    opened_at,
    age_seconds,
    {%- for metric in lead_rates() %}
    case when {{ metric.denominator }} then coalesce({{ metric.numerator }}, false) end as {{ metric.id }},
    {%- endfor %}
    {%- for wait in lead_waits() %}
    case
        when is_eligible
            then {{ microseconds_between('opened_at', 'least(' ~ wait.event_at ~ ', observed_until)') }}
    end as {{ wait.id }}_wait_us,
    case when is_eligible then coalesce({{ wait.event_at }} <= observed_until, false) end as {{ wait.id }}_ended,
    {%- endfor %}
    outbound_touches,
    outbound_sender_known,
    outbound_automation_inferred,
    as_of
from {{ ref('leads') }}
