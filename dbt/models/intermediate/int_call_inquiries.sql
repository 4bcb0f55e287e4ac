{%- set reopened_us = var('reopen_after_days') * 86400000000 -%}
-- One row per inbound call that is an inquiry itself: its source says `calls_open_leads`, and the person has no lead
-- opened in the last reopen_after_days. Whether an earlier call opened a lead decides about a later one, so a person's
-- events are walked through in order; only people with such calls are.
with recursive inbound as (
    select
        t.touch_key,
        t.person_key,
        {{ call_answered('t') }} as is_answered,
        {{ call_opened_at('t') }} as opened_at,
        t.touch_id,
        f.lead_grain
    from {{ ref('int_touches') }} as t
    inner join {{ ref('stg_sources') }} as f on t.feed = f.feed and f.calls_open_leads
    left join {{ ref('int_record_inquiries') }} as i on t.opened_inquiry_key = i.inquiry_key
    where
        t.channel = 'call'
        and t.direction = 'inbound'
        and t.person_key is not null
        -- a call that names an inquiry is that inquiry, if we have it
        and i.inquiry_key is null
        and {{ call_waited('t') }}
),

-- A caller still waiting at as_of has raised no hand yet.
calls as (
    select
        touch_key,
        person_key,
        is_answered,
        opened_at,
        touch_id,
        lead_grain
    from inbound
    where opened_at <= {{ as_of() }}
),

events as (
    select
        i.person_key,
        i.opened_at,
        0 as is_call,
        i.inquiry_id as id,
        i.inquiry_key as event_key,
        i.lead_grain
    from {{ ref('int_record_inquiries') }} as i
    where
        i.set_aside_reason is null
        and not i.is_deleted
        and i.person_key in (select c.person_key from calls as c)
    union all
    select
        person_key,
        opened_at,
        1,
        touch_id,
        touch_key,
        lead_grain
    from calls
),

ordered as (
    select
        *,
        row_number() over (partition by person_key order by opened_at, is_call, id, event_key) as step
    from events
),

walk as (
    select
        person_key,
        step,
        event_key,
        is_call,
        true as is_inquiry,
        opened_at as last_inquiry_at,
        opened_at as last_lead_at
    from ordered
    where step = 1
    union all
    select
        o.person_key,
        o.step,
        o.event_key,
        o.is_call,
        o.is_call = 0 or gaps.since_lead > {{ reopened_us }} as is_inquiry,
        case
            when o.is_call = 0 or gaps.since_lead > {{ reopened_us }} then o.opened_at else w.last_inquiry_at
        end as last_inquiry_at,
        case
            when
                (o.is_call = 0 or gaps.since_lead > {{ reopened_us }})
                and (o.lead_grain = 'record' or gaps.since_inquiry > {{ reopened_us }})
                then o.opened_at
            else w.last_lead_at
        end as last_lead_at
    from walk as w
    inner join ordered as o on w.person_key = o.person_key and w.step + 1 = o.step,
        lateral (
            select
                {{ microseconds_between('w.last_lead_at', 'o.opened_at') }} as since_lead,
                {{ microseconds_between('w.last_inquiry_at', 'o.opened_at') }} as since_inquiry
        ) as gaps
)

select
    c.touch_key,
    c.person_key,
    c.opened_at,
    case when c.is_answered then 'inbound_call_answered' else 'inbound_call_missed' end as category
from walk as w
inner join calls as c on w.event_key = c.touch_key and w.is_call = 1
where w.is_inquiry
