{{ config(materialized='incremental', incremental_strategy='append', pre_hook=["{{ forget_changed_people() }}"]) }}
{%- set contact_min = var('contact_min_seconds') -%}
-- One row per touch of somebody who has a lead by then: the lead it belongs to, and what it counts as.
-- A touch before any lead is in int_touches only.
with changed as (
    {{ changed_people() }}
),

leads as (
    select
        person_key,
        lead_id,
        id_space,
        inquiry_id,
        opened_at
    from {{ ref('int_leads') }}
    where set_aside_reason is null and person_key in (select c.person_key from changed as c)
),

touches as (
    select
        c.fingerprint,
        t.person_key,
        t.touch_key,
        t.id_space,
        t.touch_id,
        t.occurred_at,
        t.channel,
        t.direction,
        t.sender_type,
        t.agent,
        t.connected,
        t.duration_seconds,
        t.talked,
        t.not_reply,
        t.sequence_id,
        coalesce(i.inquiry_key, t.opened_inquiry_key) as opened_inquiry_key
    from {{ ref('int_touches') }} as t
    inner join changed as c on t.person_key = c.person_key
    left join {{ ref('int_inquiries') }} as i on t.touch_key = i.opening_touch_key
),

-- A person's leads and touches on one line of time; of leads at one moment the last in order takes the touch.
moments as (
    select
        person_key,
        opened_at as moment,
        0 as is_touch,
        inquiry_id as id,
        id_space,
        lead_id,
        cast(null as varchar) as touch_key
    from leads
    union all
    select
        person_key,
        occurred_at,
        1,
        touch_id,
        id_space,
        null,
        touch_key
    from touches
),

current_leads as (
    select
        touch_key,
        last_value(lead_id ignore nulls) over (
            partition by person_key order by moment, is_touch, id, id_space, touch_key
            rows between unbounded preceding and current row
        ) as lead_id
    from moments
),

attached as (
    select
        t.*,
        l.lead_id,
        l.opened_at,
        o.lead_id is not null as opened_the_lead,
        case when o.lead_id is not null then l.opened_at else t.occurred_at end as effective_at
    from touches as t
    inner join current_leads as c on t.touch_key = c.touch_key
    left join leads as o on t.opened_inquiry_key = o.lead_id
    inner join leads as l on l.lead_id = coalesce(o.lead_id, c.lead_id)
),

senders as (
    select
        *,
        direction = 'outbound' and sender_type is null and (
            sequence_id is not null
            or {{ microseconds_between('opened_at', 'effective_at') }} between 0 and 2000000
        ) as is_automation_inferred
    from attached
),

humans as (
    select
        *,
        coalesce(sender_type in ('human', 'isa'), not is_automation_inferred) as is_human,
        channel = 'call' and direction = 'inbound' and coalesce(sender_type in ('human', 'isa'), true) and (
            coalesce(connected, false)
            or talked
            or (connected is null and coalesce(duration_seconds >= {{ contact_min }}, false))
        ) as is_live_answered
    from senders
)

select
    person_key,
    fingerprint,
    lead_id,
    touch_key,
    id_space,
    touch_id,
    effective_at,
    channel,
    direction,
    agent,
    sender_type is not null as is_sender_known,
    is_automation_inferred,
    is_human,
    opened_the_lead,
    (direction = 'outbound' and is_human) or is_live_answered as is_response,
    direction = 'outbound' and is_human
    and sender_type is null
    and channel in ('sms', 'email')
    and {{ microseconds_between('opened_at', 'effective_at') }} < 120000000 as is_suspiciously_quick,
    channel = 'call' and is_human and (
        talked
        or (coalesce(duration_seconds >= {{ contact_min }}, false) and coalesce(connected, true))
    ) as is_conversation,
    direction = 'inbound' and channel in ('sms', 'email', 'chat') and not_reply is null as is_message
from humans
