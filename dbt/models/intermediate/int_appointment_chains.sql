{%- set day_seconds = 86400 -%}
{%- set grace_seconds = 60 * var('appointment_grace_minutes') -%}
-- One row per appointment chain: whose it is, the lead that it was set for, and what became of it by as_of.
-- Set when its first booking was made; scheduled, judged and credited by its last. Recomputed in full, as identity is:
-- a booking may replace one of another person, and bookings are few.
with people as (
    select
        chain_id,
        -- the first booking's, or that of the next one that names somebody known
        min_by(person_key, place_from_first) filter (where person_key is not null) as person_key,
        count(*) as bookings
    from {{ ref('int_chain_bookings') }}
    group by chain_id
),

firsts as (
    select
        b.chain_id,
        s.id_space,
        s.appointment_id,
        s.booked_at as first_booked_at
    from {{ ref('int_chain_bookings') }} as b
    inner join {{ ref('stg_appointments') }} as s on b.appointment_key = s.appointment_key
    where b.is_first
),

lasts as (
    select
        b.chain_id,
        s.appointment_key as last_appointment_key,
        s.starts_at,
        s.ends_at,
        s.outcome,
        s.agent
    from {{ ref('int_chain_bookings') }} as b
    inner join {{ ref('stg_appointments') }} as s on b.appointment_key = s.appointment_key
    where b.is_last
),

chains as (
    select
        f.chain_id,
        f.id_space,
        f.appointment_id,
        p.person_key,
        p.bookings,
        f.first_booked_at,
        t.last_appointment_key,
        t.starts_at,
        t.ends_at,
        t.outcome,
        coalesce(t.agent, '(none)') as agent
    from firsts as f
    inner join lasts as t on f.chain_id = t.chain_id
    inner join people as p on f.chain_id = p.chain_id
),

leads as (
    select
        person_key,
        lead_id,
        opened_at,
        inquiry_id,
        id_space
    from {{ ref('int_leads') }}
    where set_aside_reason is null
),

open_leads as (
    select
        c.chain_id,
        l.lead_id,
        row_number() over (
            partition by c.chain_id order by l.opened_at desc, l.inquiry_id desc, l.id_space desc
        ) as place
    from chains as c
    inner join leads as l on c.person_key = l.person_key and c.first_booked_at >= l.opened_at
),

-- Calendar first, CRM second: taken only where no lead was open.
coming_leads as (
    select
        c.chain_id,
        l.lead_id,
        l.opened_at,
        row_number() over (partition by c.chain_id order by l.opened_at, l.inquiry_id, l.id_space) as place
    from chains as c
    inner join leads as l
        on
            c.person_key = l.person_key
            and c.first_booked_at < l.opened_at
            and {{ plus_seconds('c.first_booked_at', grace_seconds) }} >= l.opened_at
),

placed as (
    select
        c.*,
        coalesce(o.lead_id, n.lead_id) as lead_id,
        case when o.lead_id is null and n.lead_id is not null then n.opened_at else c.first_booked_at end as set_at,
        {{ as_of() }} as as_of
    from chains as c
    left join open_leads as o on c.chain_id = o.chain_id and o.place = 1
    left join coming_leads as n on c.chain_id = n.chain_id and n.place = 1
)

select
    chain_id,
    id_space,
    appointment_id,
    person_key,
    lead_id,
    bookings,
    first_booked_at,
    set_at,
    last_appointment_key,
    starts_at,
    ends_at,
    agent,
    outcome,
    coalesce(outcome = 'held', false) and ends_at <= as_of as is_held,
    coalesce(outcome = 'cancelled_by_us', false) as is_cancelled_by_us,
    coalesce(outcome in ('held', 'no_show', 'cancelled_late', 'cancelled_early'), false) as is_outcome_known,
    {{ seconds_between('ends_at', 'as_of') }} >= {{ day_seconds }}
    and coalesce(outcome != 'cancelled_by_us', true) as is_decidable,
    {{ seconds_between('ends_at', 'as_of') }} as seconds_since_end,
    as_of
from placed
