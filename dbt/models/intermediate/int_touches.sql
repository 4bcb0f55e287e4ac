-- One row per touch: whose it is, and what it was whatever lead it belongs to.
-- A call that opened an inquiry names its person more surely than a phone number does.
with openings as (
    select
        i.inquiry_key,
        n.person_key
    from {{ ref('stg_inquiries') }} as i
    inner join {{ ref('int_person_nodes') }} as n
        on n.node = coalesce(i.id_space || ':' || i.person_id, 'inquiry:' || i.inquiry_key)
)

select
    t.touch_key,
    t.feed,
    t.id_space,
    t.touch_id,
    coalesce(o.person_key, p.person_key, n.person_key) as person_key,
    coalesce(p.person_conflict, false) or coalesce(o.person_key != p.person_key, false) as person_conflict,
    t.occurred_at,
    t.ended_at,
    t.channel,
    t.direction,
    t.sender_type,
    t.agent,
    t.team,
    t.connected,
    coalesce(t.duration_seconds, {{ seconds_between('t.occurred_at', 't.ended_at') }}) as duration_seconds,
    t.talked,
    t.not_reply,
    t.sequence_id,
    case when t.channel = 'call' then t.opened_inquiry_key end as opened_inquiry_key
from {{ ref('stg_touches') }} as t
left join {{ ref('int_row_people') }} as p on p.entity = 'touches' and t.touch_key = p.row_key
left join openings as o on t.channel = 'call' and t.opened_inquiry_key = o.inquiry_key
-- a caller who withheld the number is somebody all the same
left join {{ ref('int_unknown_callers') }} as c on t.touch_key = c.touch_key
left join {{ ref('int_person_nodes') }} as n on c.node = n.node
