-- One row per consent event by as_of.
select
    _source as feed,
    _id_space as id_space,
    consent_id,
    _id_space || ':' || consent_id as consent_key,
    person_id,
    email,
    phone,
    "at" as consent_at,
    channel,
    event,
    text_shown,
    source,
    seller_named,
    system
from {{ source('raw', 'consents') }}
where
    _deleted_by_load is null
    and "at" <= {{ as_of() }}
