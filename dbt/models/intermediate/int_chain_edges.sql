-- One row per direction of each replacement of a booking by another, and a loop for every booking.
-- One that replaces what we do not have, or itself, replaces nothing.
with replacements as (
    select
        b.appointment_key,
        o.appointment_key as replaced_key
    from {{ ref('stg_appointments') }} as b
    inner join {{ ref('stg_appointments') }} as o on b.replaces_key = o.appointment_key
    where b.appointment_key != o.appointment_key
)

select
    appointment_key as node,
    replaced_key as neighbour,
    true as is_replacement
from replacements
union all
select
    replaced_key,
    appointment_key,
    false
from replacements
union all
select
    appointment_key as node,
    appointment_key as neighbour,
    false
from {{ ref('stg_appointments') }}
