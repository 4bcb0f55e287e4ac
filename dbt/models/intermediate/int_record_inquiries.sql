-- One row per inquiry that a source delivered: whose it is, when it was raised, whether it is set aside.
select
    i.inquiry_key,
    i.feed,
    i.id_space,
    i.inquiry_id,
    n.person_key,
    i.name,
    case
        when i.received_at is null or i.event_at <= i.received_at then i.event_at
        else i.received_at
    end as opened_at,
    i.event_at,
    i.received_at,
    i.source,
    i.category,
    i.channel,
    i.campaign,
    i.agent,
    i.team,
    f.lead_grain,
    case
        when i.is_test then 'test'
        when i.is_spam then 'spam'
        when i.is_import then 'import'
        when i.is_agent_created then 'agent_created'
    end as set_aside_reason,
    d.person_id is not null as is_deleted,
    i.is_past_client,
    i.disqualified_at,
    i.intent,
    i.timeframe,
    i.property_address,
    i.time_flags
from {{ ref('stg_inquiries') }} as i
inner join {{ ref('stg_sources') }} as f on i.feed = f.feed
left join {{ ref('int_person_nodes') }} as n
    on n.node = coalesce(i.id_space || ':' || i.person_id, 'inquiry:' || i.inquiry_key)
left join {{ ref('int_deleted_people') }} as d on i.id_space = d.id_space and i.person_id = d.person_id
