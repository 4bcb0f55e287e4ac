-- One row per lead: why it is left out of the figures, or null. The first reason that fits, in this order.
with closings as (
    select
        p.person_key,
        min(d.closed_at) as first_closed_at
    from {{ ref('stg_deals') }} as d
    inner join {{ ref('int_row_people') }} as p on p.entity = 'deals' and d.deal_key = p.row_key
    group by p.person_key
),

past_clients as (
    select
        n.person_key,
        min(p.past_client_since) as past_client_since
    from {{ ref('stg_people') }} as p
    inner join {{ ref('int_person_nodes') }} as n on p.id_space || ':' || p.person_id = n.node
    group by n.person_key
),

-- Feeds that never deliver a phone or an email say nothing about who can be reached.
contact_feeds as (
    select feed
    from {{ ref('stg_people') }}
    where email is not null or phone is not null
    union
    select feed
    from {{ ref('stg_inquiries') }}
    where email is not null or phone is not null
    union
    select t.feed
    from {{ ref('int_unknown_callers') }} as c
    inner join {{ ref('stg_touches') }} as t on c.touch_key = t.touch_key
    where c.email is not null or c.phone is not null
),

reachable as (
    select n.person_key
    from ({{ identifier_pieces(ref('int_identity_records'), 'record_key') }}) as p
    inner join {{ ref('int_identity_records') }} as r on p.row_key = r.record_key
    inner join {{ ref('int_person_nodes') }} as n on r.node = n.node
    union
    select n.person_key
    from ({{ identifier_pieces(ref('int_unknown_callers'), 'touch_key') }}) as p
    inner join {{ ref('int_unknown_callers') }} as c on p.row_key = c.touch_key
    inner join {{ ref('int_person_nodes') }} as n on c.node = n.node
),

-- A lead that one of the touch sources does not cover yet would look unanswered.
covered as (
    select max(s.covers_from) as covers_from
    from {{ ref('stg_sources') }} as s
    where s.feed in (select t.feed from {{ ref('stg_touches') }} as t)
)

select
    l.lead_id,
    case
        when l.set_aside_reason is not null then l.set_aside_reason
        when
            l.is_past_client
            or coalesce(c.first_closed_at < l.opened_at, false)
            or coalesce(p.past_client_since < l.opened_at, false)
            then 'past_client'
        when r.person_key is null and f.feed is not null then 'no_contact_info'
        when v.covers_from > l.opened_at then 'no_touch_coverage'
    end as exclusion_reason
from {{ ref('int_leads') }} as l
left join closings as c on l.person_key = c.person_key
left join past_clients as p on l.person_key = p.person_key
left join reachable as r on l.person_key = r.person_key
left join contact_feeds as f on l.feed = f.feed
cross join covered as v
