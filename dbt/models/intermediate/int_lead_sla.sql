{{ config(materialized='incremental', incremental_strategy='append', pre_hook=["{{ forget_changed_people() }}"]) }}
-- One row per lead: opened in or after hours, and until when the policy of that day wants the first response.
-- A category without a policy row has no due time. Vectors: METRICS.md section 4, as unit tests beside this model.
with changed as (
    {{ changed_people() }}
),

leads as (
    select
        l.person_key,
        c.fingerprint,
        l.lead_id,
        l.category,
        l.opened_at,
        l.opened_local,
        cast(l.opened_local as date) as opened_date
    from {{ ref('int_leads') }} as l
    inner join changed as c on l.person_key = c.person_key
),

policies as (
    select
        l.lead_id,
        p.in_hours_minutes,
        p.after_hours_minutes,
        p.next_morning_by,
        p.first_touch,
        row_number() over (
            partition by l.lead_id order by p.valid_from desc nulls last, p.in_hours_minutes asc
        ) as place
    from leads as l
    inner join {{ ref('sla_policies') }} as p
        on
            l.category = p.category
            and coalesce(l.opened_date >= p.valid_from, true)
            and coalesce(l.opened_date <= p.valid_to, true)
),

{% if not var('always_open') -%}
open_at_opening as (
    select
        l.lead_id,
        max(case when l.opened_local >= o.opens_local and l.opened_local < o.closes_local then 1 else 0 end) = 1
            as is_in_hours,
        min(case when o.opens_local > l.opened_local then o.opens_at end) as opens_later_today_at
    from leads as l
    inner join {{ ref('int_open_intervals') }} as o on l.opened_date = o.local_date
    group by l.lead_id
),
{%- else -%}
open_at_opening as (
    select
        lead_id,
        true as is_in_hours,
        cast(null as timestamptz) as opens_later_today_at
    from leads
),
{%- endif %}

mornings as (
    select
        l.lead_id,
        {{ to_utc('l.opened_date + ' ~ clock_interval('p.next_morning_by')) }} as this_morning_at,
        {%- if var('next_morning_on') == 'open_day' %}
        (
            select min({{ to_utc('o.local_date + ' ~ clock_interval('p.next_morning_by')) }})
            from {{ ref('int_open_intervals') }} as o
            where
                o.local_date >= l.opened_date
                and {{ to_utc('o.local_date + ' ~ clock_interval('p.next_morning_by')) }} > l.opened_at
        ) as next_morning_at
        {%- else %}
        case
            when {{ to_utc('l.opened_date + ' ~ clock_interval('p.next_morning_by')) }} > l.opened_at
                then {{ to_utc('l.opened_date + ' ~ clock_interval('p.next_morning_by')) }}
            else {{ to_utc('l.opened_date + 1 + ' ~ clock_interval('p.next_morning_by')) }}
        end as next_morning_at
        {%- endif %}
    from leads as l
    inner join policies as p on l.lead_id = p.lead_id and p.place = 1
    where p.next_morning_by is not null
),

clocks as (
    select
        l.person_key,
        l.fingerprint,
        l.lead_id,
        l.opened_at,
        coalesce(o.is_in_hours, false) as is_in_hours,
        o.opens_later_today_at,
        p.first_touch,
        p.after_hours_minutes,
        m.this_morning_at,
        m.next_morning_at,
        p.in_hours_minutes,
        p.lead_id is not null as has_policy
    from leads as l
    left join open_at_opening as o on l.lead_id = o.lead_id
    left join policies as p on l.lead_id = p.lead_id and p.place = 1
    left join mornings as m on l.lead_id = m.lead_id
)

select
    person_key,
    fingerprint,
    lead_id,
    opened_at,
    case when is_in_hours then 'in_hours' else 'after_hours' end as hours,
    first_touch,
    case
        when not has_policy then null
        when is_in_hours then {{ plus_seconds('opened_at', '60 * in_hours_minutes') }}
        when after_hours_minutes is not null then {{ plus_seconds('opened_at', '60 * after_hours_minutes') }}
        when this_morning_at <= opened_at and opens_later_today_at is not null
            then {{ plus_seconds('opens_later_today_at', '60 * in_hours_minutes') }}
        else greatest(next_morning_at, {{ plus_seconds('opened_at', '60 * in_hours_minutes') }})
    end as due_at
from clocks
