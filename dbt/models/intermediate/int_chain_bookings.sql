-- One row per booking: its chain, and its place in it.
-- Bookings that replace one another, directly or not, are one chain, whatever person they name. At a fork both branches
-- are in the chain and the last booked is its last; bookings that replace each other in a circle have no beginning and
-- no end, so there booked first is first, booked last is last.
with replacements as (
    select
        node as appointment_key,
        neighbour as replaced_key
    from {{ ref('int_chain_edges') }}
    where is_replacement
),

placed as (
    select
        b.appointment_key,
        p.person_key,
        c.component,
        row_number() over (
            partition by c.component
            order by
                b.appointment_key in (select r.appointment_key from replacements as r),
                b.booked_at, b.appointment_id
        ) as place_from_first,
        row_number() over (
            partition by c.component
            order by
                b.appointment_key in (select r.replaced_key from replacements as r),
                b.booked_at desc, b.appointment_id desc
        ) as place_from_last
    from {{ ref('stg_appointments') }} as b
    inner join {{ ref('int_chain_components') }} as c on b.appointment_key = c.node
    left join {{ ref('int_row_people') }} as p on p.entity = 'appointments' and b.appointment_key = p.row_key
)

select
    appointment_key,
    first_value(appointment_key) over (partition by component order by place_from_first) as chain_id,
    person_key,
    place_from_first,
    place_from_first = 1 as is_first,
    place_from_last = 1 as is_last
from placed
