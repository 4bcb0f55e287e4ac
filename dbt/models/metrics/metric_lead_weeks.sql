-- One row per week, slice and value: the counts that every rate of leads is made of. They add up over weeks.
select
    week_start,
    slice,
    slice_value,
    count(*) as leads,
    count(case when is_eligible then 1 end) as eligible,
    count(case when age_seconds >= 86400 then 1 end) as leads_1d_old,
    {%- for age in lead_maturities() %}
    count(case when is_eligible and age_seconds >= {{ age }} then 1 end) as eligible_{{ age }}s_old,
    {%- endfor %}
    {%- for metric in lead_rates() %}
    count({{ metric.id }}) as {{ metric.id }}_denominator,
    count(case when {{ metric.id }} then 1 end) as {{ metric.id }}_numerator,
    {%- endfor %}
    sum(outbound_touches) as outbound_touches,
    sum(outbound_sender_known) as outbound_sender_known,
    sum(outbound_automation_inferred) as outbound_automation_inferred
from {{ ref('metric_lead_slices') }}
group by week_start, slice, slice_value
