{{ config(materialized='view') }}
-- One row per lead and slice: the lead under the value it has there.
with slices (slice) as (
    select 'all'
    {%- for slice in lead_slices() %}
    union all
    select '{{ slice }}'
    {%- endfor %}
)

select
    s.slice,
    case s.slice
        when 'all' then 'all'
        {%- for slice in lead_slices() %}
        when '{{ slice }}' then l.{{ slice }}
        {%- endfor %}
    end as slice_value,
    l.lead_id,
    l.week_start,
    l.is_eligible,
    l.age_seconds,
    {%- for metric in lead_rates() %}
    l.{{ metric.id }},
    {%- endfor %}
    {%- for wait in lead_waits() %}
    l.{{ wait.id }}_wait_us,
    l.{{ wait.id }}_ended,
    {%- endfor %}
    l.outbound_touches,
    l.outbound_sender_known,
    l.outbound_automation_inferred
from {{ ref('metric_leads') }} as l
cross join slices as s
