{{ config(schema='marts') }}
-- One row per figure: every weekly number of the house, and the only place it is read from.
with figures as (
    {%- for family in [
        'metric_lead_rates', 'metric_lead_survival', 'metric_appointment_rates', 'metric_person_rates'
    ] %}
    select
        week_start,
        period,
        metric_id,
        slice,
        slice_value,
        value,
        numerator,
        denominator,
        ci_low,
        ci_high,
        reliability
    from {{ ref(family) }}
    union all
    {%- endfor %}
    select
        week_start,
        period,
        metric_id,
        slice,
        slice_value,
        value,
        numerator,
        denominator,
        null,
        null,
        reliability
    from {{ ref('metric_inquiries') }}
    union all
    select
        week_start,
        period,
        metric_id,
        slice,
        slice_value,
        value,
        null,
        null,
        null,
        null,
        'ok'
    from {{ ref('metric_spend') }}
)

select
    f.week_start,
    f.period,
    d.basis,
    f.metric_id,
    f.slice,
    f.slice_value,
    f.value,
    f.numerator,
    f.denominator,
    f.ci_low,
    f.ci_high,
    f.reliability,
    {{ as_of() }} as as_of
from figures as f
inner join {{ ref('metric_definitions') }} as d on f.metric_id = d.metric_id
order by f.week_start, f.period, f.metric_id, f.slice, f.slice_value
