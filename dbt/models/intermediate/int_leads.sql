{{ config(materialized='incremental', incremental_strategy='append', pre_hook=["{{ forget_changed_people() }}"]) }}
{%- set reopened_us = var('reopen_after_days') * 86400000000 -%}
-- One row per lead: an episode of one person's interest, as its opening inquiry says it, frozen.
-- Inquiries that are set aside are leads of their own that touch nobody else's.
with changed as (
    {{ changed_people() }}
),

inquiries as (
    select
        c.fingerprint,
        i.person_key,
        i.inquiry_key,
        i.feed,
        i.id_space,
        i.inquiry_id,
        i.name,
        i.opened_at,
        i.opened_local,
        i.source,
        i.category,
        i.agent,
        i.team,
        i.lead_grain,
        i.set_aside_reason,
        i.is_past_client,
        i.disqualified_at,
        i.integration_lag_seconds
    from {{ ref('int_inquiries') }} as i
    inner join changed as c on i.person_key = c.person_key
    where not i.is_deleted
),

-- A person's first inquiry has no gap before it (null) and opens a lead.
gaps as (
    select
        *,
        set_aside_reason is not null
        or lead_grain = 'record'
        or coalesce(
            {{ microseconds_between(
                'lag(opened_at) over (
                    partition by person_key, set_aside_reason is not null order by opened_at, inquiry_id, id_space
                )',
                'opened_at'
            ) }} > {{ reopened_us }},
            true
        ) as opens_lead
    from inquiries
),

numbered as (
    select
        *,
        sum(cast(opens_lead as integer)) over (
            partition by person_key, set_aside_reason is not null
            order by opened_at, inquiry_id, id_space
            rows unbounded preceding
        ) as lead_number
    from gaps
),

episodes as (
    select
        person_key,
        set_aside_reason is not null as is_set_aside,
        lead_number,
        count(*) as inquiries,
        min(disqualified_at) as inquiry_disqualified_at
    from numbered
    group by person_key, set_aside_reason is not null, lead_number
),

opened as (
    select
        n.person_key,
        n.fingerprint,
        n.inquiry_key as lead_id,
        n.feed,
        n.id_space,
        n.inquiry_id,
        n.lead_grain,
        n.name,
        n.opened_at,
        n.opened_local,
        n.source,
        n.category,
        n.agent,
        n.team,
        n.set_aside_reason,
        n.is_past_client,
        n.integration_lag_seconds,
        e.inquiries,
        e.inquiry_disqualified_at,
        case
            when n.set_aside_reason is null
                then lead(n.opened_at) over (
                    partition by n.person_key, n.set_aside_reason is not null
                    order by n.opened_at, n.inquiry_id, n.id_space
                )
        end as next_lead_at
    from numbered as n
    inner join episodes as e
        on
            n.person_key = e.person_key
            and (n.set_aside_reason is not null) = e.is_set_aside
            and n.lead_number = e.lead_number
    where n.opens_lead
),

assignments as (
    select
        o.lead_id,
        a.agent,
        row_number() over (partition by o.lead_id order by a.assigned_at, a.assignment_id, a.id_space) as place
    from opened as o
    inner join {{ ref('int_row_people') }} as p on p.entity = 'assignments' and o.person_key = p.person_key
    inner join {{ ref('stg_assignments') }} as a on p.row_key = a.assignment_key
    where
        o.agent is null
        and o.set_aside_reason is null
        and a.agent is not null
        and a.assigned_at >= o.opened_at
        and coalesce(a.assigned_at < o.next_lead_at, true)
),

owned as (
    select
        o.lead_id,
        coalesce(o.agent, a.agent) as agent
    from opened as o
    left join assignments as a on o.lead_id = a.lead_id and a.place = 1
),

stays as (
    select
        w.lead_id,
        w.agent,
        g.team,
        g.office,
        row_number() over (
            partition by w.lead_id
            order by g.id_space = o.id_space desc, g.active_from desc nulls last, g.team asc, g.office asc
        ) as place
    from owned as w
    inner join opened as o on w.lead_id = o.lead_id
    inner join {{ ref('stg_agents') }} as g
        on
            w.agent = g.agent
            and coalesce(g.active_from <= cast(o.opened_local as date), true)
            and coalesce(g.active_to >= cast(o.opened_local as date), true)
)

select
    o.person_key,
    o.fingerprint,
    o.lead_id,
    o.feed,
    o.id_space,
    o.inquiry_id,
    o.lead_grain,
    o.name,
    o.opened_at,
    o.opened_local,
    {{ week_start('o.opened_local') }} as week_start,
    o.next_lead_at,
    o.source,
    o.category,
    coalesce(w.agent, '(none)') as agent,
    coalesce(o.team, s.team, '(none)') as team,
    coalesce(s.office, '(none)') as office,
    o.set_aside_reason,
    o.is_past_client,
    o.integration_lag_seconds,
    o.inquiries,
    o.inquiry_disqualified_at
from opened as o
inner join owned as w on o.lead_id = w.lead_id
left join stays as s on o.lead_id = s.lead_id and s.place = 1
