-- One row per lead whose policy names an order of first touches and that we touched in its first 60 minutes: was the
-- order kept. A later step may not come before the first; 'and' wants both; texting without consent breaks
-- 'if permitted'. Channels that the policy does not name do not matter.
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
        max(case when s.step = 1 and s.words like '% and %' then 2 else 1 end) as wanted_channels
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

judged as (
    select
        t.lead_id,
        min_by(t.step, row(t.effective_at, t.step)) as first_step,
        count(distinct case when t.step = 1 then t.channel end) as first_step_channels,
        max(t.wanted_channels) as wanted_channels,
        count(
            case when t.only_if_permitted and t.channel = 'sms' and coalesce(c.event, 'none') != 'granted' then 1 end
        ) as texts_not_permitted
    from touches as t
    left join consents as c on t.touch_key = c.touch_key and c.place = 1
    group by t.lead_id
)

select
    lead_id,
    first_step = 1 and first_step_channels >= wanted_channels and texts_not_permitted = 0 as first_touch_ok
from judged
