-- metric_weekly joins its figures to the definitions: one without would be lost there in silence.
{%- set families = ['metric_lead_rates', 'metric_lead_survival', 'metric_inquiries', 'metric_spend',
    'metric_appointment_rates', 'metric_person_rates'] %}
select
    f.metric_id,
    count(*) as figures
from (
    {%- for family in families %}
    select metric_id from {{ ref(family) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
) as f
left join {{ ref('metric_definitions') }} as d on f.metric_id = d.metric_id
where d.metric_id is null
group by f.metric_id
