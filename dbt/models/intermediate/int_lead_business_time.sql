-- One row per answered lead: its wait counted in open hours only. Without configured hours, the whole wait.
with answered as (
    select
        l.lead_id,
        l.opened_at,
        s.first_response_at
    from {{ ref('int_leads') }} as l
    inner join {{ ref('int_lead_speed') }} as s on l.lead_id = s.lead_id
    where s.first_response_at is not null
),

{% if not var('always_open') -%}
-- Leads and open stretches on one line of time: the open time before a moment is what lay before the last stretch that
-- began by then, and what has passed of it.
line as (
    select
        opens_at as moment,
        0 as is_lead,
        cast(null as varchar) as lead_id,
        cast(null as varchar) as mark,
        open_us_before,
        opens_at,
        closes_at
    from {{ ref('int_open_intervals') }}
    union all
    select opened_at, 1, lead_id, 'opened', null, null, null
    from answered
    union all
    select first_response_at, 1, lead_id, 'answered', null, null, null
    from answered
),

placed as (
    select
        lead_id,
        mark,
        moment,
        is_lead,
        last_value(open_us_before ignore nulls) over in_order as open_us_before,
        last_value(opens_at ignore nulls) over in_order as opens_at,
        last_value(closes_at ignore nulls) over in_order as closes_at
    from line
    window in_order as (
        order by moment, is_lead, lead_id, mark rows between unbounded preceding and current row
    )
),

measured as (
    select
        lead_id,
        mark,
        coalesce(open_us_before + {{ microseconds_between('opens_at', 'least(moment, closes_at)') }}, 0) as open_us
    from placed
    where is_lead = 1
)

select
    lead_id,
    (max(case mark when 'answered' then open_us end) - max(case mark when 'opened' then open_us end)) / 1000000.0
        as response_business_seconds
from measured
group by lead_id
{%- else -%}
whole as (
    select
        lead_id,
        {{ seconds_between('opened_at', 'first_response_at') }} as response_business_seconds
    from answered
)

select
    lead_id,
    response_business_seconds
from whole
{%- endif %}
