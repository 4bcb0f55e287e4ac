-- One row per record of a person that exists at as_of.
select
    _source as feed,
    _id_space as id_space,
    person_id,
    name,
    email,
    phone,
    created_at,
    source_now,
    stage,
    agent,
    team,
    merged_into,
    {{ known_by_as_of('deleted_at') }} as deleted_at,
    {{ known_by_as_of('past_client_since') }} as past_client_since,
    state,
    timezone
from {{ source('raw', 'people') }}
where
    _deleted_by_load is null
    and coalesce(created_at <= {{ as_of() }}, true)
