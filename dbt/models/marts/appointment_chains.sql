-- One row per chain of bookings of one meeting: when it was set, for which lead, and what became of it by as_of.
select
    c.chain_id,
    c.person_key,
    c.lead_id,
    {{ slice_of_lead('source', 'l') }} as source,
    {{ slice_of_lead('category', 'l') }} as category,
    c.agent,
    c.bookings,
    c.first_booked_at,
    c.set_at,
    {{ to_local('c.set_at') }} as set_local,
    c.last_appointment_key,
    c.starts_at,
    {{ to_local('c.starts_at') }} as starts_local,
    c.ends_at,
    {{ to_local('c.ends_at') }} as ends_local,
    {{ week_start(to_local('c.ends_at')) }} as week_start,
    c.outcome,
    c.is_held,
    c.is_cancelled_by_us,
    c.is_outcome_known,
    c.is_decidable,
    {{ seconds_between('l.opened_at', 'c.set_at') }} as set_seconds,
    c.seconds_since_end,
    c.as_of
from {{ ref('int_appointment_chains') }} as c
left join {{ ref('leads') }} as l on c.lead_id = l.lead_id
