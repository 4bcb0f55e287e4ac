-- One row per booking made by as_of.
select
    _source as feed,
    _id_space as id_space,
    appointment_id,
    _id_space || ':' || appointment_id as appointment_key,
    person_id,
    email,
    phone,
    booked_at,
    starts_at,
    ends_at,
    replaces_id,
    _id_space || ':' || replaces_id as replaces_key,
    {{ known_by_as_of('cancelled_at') }} as cancelled_at,
    outcome,
    agent,
    _time_flags as time_flags
from {{ source('raw', 'appointments') }}
where
    _deleted_by_load is null
    and booked_at <= {{ as_of() }}
