-- What METRICS.md section 5 promises of chains, whatever the data.
select
    c.chain_id,
    c.set_at,
    c.ends_at,
    l.opened_at
from {{ ref('appointment_chains') }} as c
left join {{ ref('leads') }} as l on c.lead_id = l.lead_id
where
    (c.is_held and c.ends_at > c.as_of)
    or c.set_at < c.first_booked_at
    or c.set_at > c.as_of
    or (c.lead_id is not null and coalesce(c.set_at < l.opened_at or l.is_set_aside, true))
union all
select
    'bookings in chains: ' || coalesce(sum(bookings), 0) as chain_id,
    null,
    null,
    null
from {{ ref('appointment_chains') }}
having coalesce(sum(bookings), 0) != (select count(*) from {{ ref('stg_appointments') }})
