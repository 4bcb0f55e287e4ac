-- One row per inquiry received by as_of.
select
    _source as feed,
    _id_space as id_space,
    inquiry_id,
    _id_space || ':' || inquiry_id as inquiry_key,
    person_id,
    name,
    email,
    phone,
    event_at,
    received_at,
    source,
    category,
    channel,
    campaign,
    agent,
    team,
    coalesce(is_test, false) as is_test,
    coalesce(is_spam, false) as is_spam,
    coalesce(is_import, false) as is_import,
    coalesce(is_agent_created, false) as is_agent_created,
    coalesce(is_past_client, false) as is_past_client,
    intent,
    timeframe,
    property_address,
    {{ known_by_as_of('disqualified_at') }} as disqualified_at,
    _time_flags as time_flags
from {{ source('raw', 'inquiries') }}
where
    _deleted_by_load is null
    and coalesce(received_at, event_at) <= {{ as_of() }}
