-- One row per booking: its chain, and its place in it.
-- Bookings that replace one another, directly or not, are one chain, whatever person they name. One that replaces what
-- we do not have, or itself, replaces nothing. At a fork both branches are in the chain and the last booked is its last;
-- bookings that replace each other in a circle have no beginning and no end, so there booked first is first, booked last
-- is last.
with bookings as (
    select
        b.appointment_key,
        b.appointment_id,
        b.booked_at,
        p.person_key,
        o.appointment_key as replaced_key
    from {{ ref('stg_appointments') }} as b
    left join {{ ref('stg_appointments') }} as o
        on b.replaces_key = o.appointment_key and b.appointment_key != o.appointment_key
    left join {{ ref('int_row_people') }} as p on p.entity = 'appointments' and b.appointment_key = p.row_key
),

edges as (
    select
        appointment_key as node,
        appointment_key as neighbour
    from bookings
    union all
    select
        appointment_key,
        replaced_key
    from bookings
    where replaced_key is not null
    union all
    select
        replaced_key,
        appointment_key
    from bookings
    where replaced_key is not null
),

components as (
    {{ connected_components('edges') }}
),

placed as (
    select
        b.appointment_key,
        b.person_key,
        c.component,
        row_number() over (
            partition by c.component order by b.replaced_key is not null, b.booked_at, b.appointment_id
        ) as place_from_first,
        row_number() over (
            partition by c.component
            order by
                b.appointment_key in (select r.replaced_key from bookings as r where r.replaced_key is not null),
                b.booked_at desc, b.appointment_id desc
        ) as place_from_last
    from bookings as b
    inner join components as c on b.appointment_key = c.node
)

select
    appointment_key,
    first_value(appointment_key) over (partition by component order by place_from_first) as chain_id,
    person_key,
    place_from_first,
    place_from_first = 1 as is_first,
    place_from_last = 1 as is_last
from placed
