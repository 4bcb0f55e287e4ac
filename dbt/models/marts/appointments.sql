-- One row per booking: whose it is, and the lead that was open when it was booked.
with leads as (
    {{ lead_at(ref('stg_appointments'), 'appointments', 'appointment_key', "e.booked_at") }}
)

select
    e.appointment_key,
    e.feed,
    e.id_space,
    p.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    l.lead_id,
    e.appointment_id,
    e.person_id,
    e.email,
    e.phone,
    e.booked_at,
    e.starts_at,
    e.ends_at,
    e.replaces_id,
    e.replaces_key,
    e.cancelled_at,
    e.outcome,
    e.agent,
    {{ to_local('e.booked_at') }} as booked_local,
    {{ to_local('e.starts_at') }} as starts_local,
    {{ as_of() }} as as_of
from {{ ref('stg_appointments') }} as e
left join {{ ref('int_row_people') }} as p on p.entity = 'appointments' and e.appointment_key = p.row_key
left join leads as l on e.appointment_key = l.row_key
