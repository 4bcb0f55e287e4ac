-- One row per touch that occurred by as_of.
select
    _source as feed,
    _id_space as id_space,
    touch_id,
    _id_space || ':' || touch_id as touch_key,
    person_id,
    email,
    phone,
    occurred_at,
    {{ known_by_as_of('ended_at') }} as ended_at,
    channel,
    direction,
    sender_type,
    agent,
    team,
    connected,
    duration_seconds,
    coalesce(talked, false) as talked,
    disposition,
    recorded,
    not_reply,
    sequence_id,
    opened_inquiry_id,
    _id_space || ':' || opened_inquiry_id as opened_inquiry_key,
    system,
    _time_flags as time_flags
from {{ source('raw', 'touches') }}
where
    _deleted_by_load is null
    and occurred_at <= {{ as_of() }}
