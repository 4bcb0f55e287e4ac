-- One row per inquiry that a source delivered: whose it is, when it was raised, whether it is set aside.
with named as (
    select
        i.*,
        n.person_key,
        f.lead_grain,
        d.person_id is not null as is_deleted,
        case
            when i.received_at is null or i.event_at <= i.received_at then i.event_at
            else i.received_at
        end as opened_at,
        case
            when i.is_test then 'test'
            when i.is_spam then 'spam'
            when i.is_import then 'import'
            when i.is_agent_created then 'agent_created'
        end as set_aside_reason
    from {{ ref('stg_inquiries') }} as i
    inner join {{ ref('stg_sources') }} as f on i.feed = f.feed
    left join {{ ref('int_person_nodes') }} as n
        on n.node = coalesce(i.id_space || ':' || i.person_id, 'inquiry:' || i.inquiry_key)
    left join {{ ref('int_deleted_people') }} as d on i.id_space = d.id_space and i.person_id = d.person_id
)

select
    inquiry_key,
    feed,
    id_space,
    inquiry_id,
    person_key,
    name,
    opened_at,
    event_at,
    received_at,
    source,
    category,
    channel,
    campaign,
    agent,
    team,
    lead_grain,
    set_aside_reason,
    is_deleted,
    is_past_client,
    disqualified_at,
    intent,
    timeframe,
    property_address,
    time_flags
from named
