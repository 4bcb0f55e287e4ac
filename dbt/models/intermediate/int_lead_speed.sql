{{ config(materialized='incremental', incremental_strategy='append', pre_hook=["{{ forget_changed_people() }}"]) }}
-- One row per lead: when we first reached out, first answered, first heard from the person, first talked.
with changed as (
    {{ changed_people() }}
),

leads as (
    select
        l.person_key,
        c.fingerprint,
        l.lead_id
    from {{ ref('int_leads') }} as l
    inner join changed as c on l.person_key = c.person_key
),

touches as (
    select
        lead_id,
        touch_id,
        id_space,
        effective_at,
        channel,
        direction,
        agent,
        is_sender_known,
        is_automation_inferred,
        is_response,
        is_response and not is_suspiciously_quick as is_strict_response,
        is_conversation,
        is_message
    from {{ ref('int_lead_touches') }}
    where person_key in (select c.person_key from changed as c)
),

firsts as (
    select
        lead_id,
        min(case when direction = 'outbound' then effective_at end) as first_any_at,
        min(case when is_response then effective_at end) as first_response_at,
        min(case when is_strict_response then effective_at end) as first_response_strict_at,
        min(case when is_conversation then effective_at end) as first_conversation_at,
        count(case when direction = 'outbound' then 1 end) as outbound_touches,
        count(case when direction = 'outbound' and is_sender_known then 1 end) as outbound_sender_known,
        count(case when is_automation_inferred then 1 end) as outbound_automation_inferred
    from touches
    group by lead_id
),

replies as (
    select
        t.lead_id,
        min(t.effective_at) as first_reply_at
    from touches as t
    inner join firsts as f on t.lead_id = f.lead_id and t.effective_at > f.first_any_at
    where t.is_message
    group by t.lead_id
),

responses as (
    select
        lead_id,
        agent,
        channel,
        row_number() over (partition by lead_id order by effective_at, touch_id, id_space) as place
    from touches
    where is_response
)

select
    l.person_key,
    l.fingerprint,
    l.lead_id,
    f.first_any_at,
    f.first_response_at,
    f.first_response_strict_at,
    r.first_reply_at,
    least(
        f.first_conversation_at,
        -- a reply alone may answer a machine, a response alone may reach nobody: both make an exchange
        case
            when r.first_reply_at is not null and f.first_response_at is not null
                then greatest(r.first_reply_at, f.first_response_at)
        end
    ) as first_contact_at,
    case when f.first_response_at is null then '(nobody)' else coalesce(p.agent, '(none)') end as responder,
    p.channel as response_channel,
    coalesce(f.outbound_touches, 0) as outbound_touches,
    coalesce(f.outbound_sender_known, 0) as outbound_sender_known,
    coalesce(f.outbound_automation_inferred, 0) as outbound_automation_inferred
from leads as l
left join firsts as f on l.lead_id = f.lead_id
left join replies as r on l.lead_id = r.lead_id
left join responses as p on l.lead_id = p.lead_id and p.place = 1
