-- One row per booking: whose it is, its chain, and the chain's lead.
select
    e.appointment_key,
    e.feed,
    e.id_space,
    b.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    b.chain_id,
    b.is_last as is_last_of_chain,
    c.lead_id,
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
left join {{ ref('int_chain_bookings') }} as b on e.appointment_key = b.appointment_key
left join {{ ref('int_appointment_chains') }} as c on b.chain_id = c.chain_id
left join {{ ref('int_row_people') }} as p on p.entity = 'appointments' and e.appointment_key = p.row_key
