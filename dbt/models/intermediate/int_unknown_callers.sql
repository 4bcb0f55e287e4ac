-- One row per inbound call of a source that says `calls_open_leads` whose caller no record names, be the number unknown
-- or withheld. Such callers are people of their own, linked among themselves by what they called with. Who rang off at
-- once, or is waiting still, has raised no hand: nobody is known by that call.
with calls as (
    select
        t.touch_key,
        t.id_space,
        t.person_id,
        t.email,
        t.phone
    from {{ ref('stg_touches') }} as t
    inner join {{ ref('stg_sources') }} as f on t.feed = f.feed and f.calls_open_leads
    left join {{ ref('stg_inquiries') }} as i on t.opened_inquiry_key = i.inquiry_key
    where
        t.channel = 'call'
        and t.direction = 'inbound'
        and i.inquiry_key is null
        and {{ call_waited('t') }}
        and {{ call_opened_at('t') }} <= {{ as_of() }}
),

pieces as (
    {{ identifier_pieces('calls', 'touch_key') }}
),

known as (
    select c.touch_key
    from calls as c
    inner join {{ ref('int_identity_records') }} as r on c.id_space = r.id_space and c.person_id = r.person_id
    union
    select p.row_key
    from pieces as p
    inner join {{ ref('int_identifier_uses') }} as u on p.kind = u.kind and p.value = u.value and u.may_link
)

select
    c.touch_key,
    'call:' || c.touch_key as node,
    c.id_space,
    c.person_id,
    c.email,
    c.phone
from calls as c
left join known as k on c.touch_key = k.touch_key
where k.touch_key is null
