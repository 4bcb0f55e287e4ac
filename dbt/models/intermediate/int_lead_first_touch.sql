-- One row per lead whose policy names an order of first touches and that we touched in its first 60 minutes: was the
-- order kept. The first step must be taken, and no step may begin before an earlier one that is taken too is done;
-- 'and' wants both, 'or' either; texting without consent breaks 'if permitted'. Other channels do not matter.
with steps as (
    select
        s.lead_id,
        s.opened_at,
        l.person_key,
        p.place as step,
        ' ' || replace(p.piece, 'callback', 'call') || ' ' as words,
        s.first_touch like '%if permitted%' as only_if_permitted
    from {{ ref('int_lead_sla') }} as s
    inner join {{ ref('int_leads') }} as l on s.lead_id = l.lead_id,
        {{ split_with_position('s.first_touch', '>') }} as p (place, piece)
    where s.first_touch is not null
),

touches as (
    select
        s.lead_id,
        s.person_key,
        t.touch_key,
        t.effective_at,
        t.channel,
        s.only_if_permitted,
        min(s.step) as step,
        max(case when s.words like '% and %' then 2 else 1 end) as wanted_channels
    from steps as s
    inner join {{ ref('int_lead_touches') }} as t
        on
            s.lead_id = t.lead_id
            and t.direction = 'outbound'
            and t.effective_at <= {{ plus_seconds('s.opened_at', '3600') }}
            and s.words like '% ' || t.channel || ' %'
    group by s.lead_id, s.person_key, t.touch_key, t.effective_at, t.channel, s.only_if_permitted
),

consents as (
    select
        t.touch_key,
        c.event,
        row_number() over (partition by t.touch_key order by c.consent_at desc, c.consent_id desc, c.id_space asc)
            as place
    from touches as t
    inner join {{ ref('int_row_people') }} as p on p.entity = 'consents' and t.person_key = p.person_key
    inner join {{ ref('stg_consents') }} as c
        on p.row_key = c.consent_key and c.channel in ('sms', 'all') and t.effective_at >= c.consent_at
    where t.channel = 'sms'
),

texts as (
    select
        t.lead_id,
        count(case when coalesce(c.event, 'none') != 'granted' then 1 end) as texts_not_permitted
    from touches as t
    left join consents as c on t.touch_key = c.touch_key and c.place = 1
    where t.only_if_permitted and t.channel = 'sms'
    group by t.lead_id
),

first_uses as (
    select
        lead_id,
        step,
        channel,
        min(effective_at) as first_at,
        max(wanted_channels) as wanted_channels
    from touches
    group by lead_id, step, channel
),

steps_taken as (
    select
        lead_id,
        step,
        count(*) >= max(wanted_channels) as is_whole,
        min(first_at) as begun_at,
        case when max(wanted_channels) > 1 then max(first_at) else min(first_at) end as done_at
    from first_uses
    group by lead_id, step
),

in_order as (
    select
        lead_id,
        step,
        is_whole,
        coalesce(begun_at >= max(done_at) over (
            partition by lead_id order by step rows between unbounded preceding and 1 preceding
        ), true) as is_in_order
    from steps_taken
)

select
    o.lead_id,
    min(o.step) = 1
    and bool_and(o.is_in_order and (o.is_whole or o.step > 1))
    and coalesce(max(t.texts_not_permitted), 0) = 0 as first_touch_ok
from in_order as o
left join texts as t on o.lead_id = t.lead_id
group by o.lead_id
