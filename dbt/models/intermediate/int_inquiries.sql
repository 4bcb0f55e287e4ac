-- One row per inquiry, delivered as a record or raised by a call: with the category and the week it has by itself.
with inquiries as (
    select
        inquiry_key,
        feed,
        id_space,
        inquiry_id,
        person_key,
        name,
        opened_at,
        event_at,
        received_at,
        source,
        category,
        channel,
        campaign,
        agent,
        team,
        lead_grain,
        set_aside_reason,
        is_deleted,
        is_past_client,
        disqualified_at,
        intent,
        timeframe,
        property_address,
        time_flags,
        cast(null as varchar) as opening_touch_key
    from {{ ref('int_record_inquiries') }}
    union all
    select
        t.id_space || ':call:' || t.touch_id,
        t.feed,
        t.id_space,
        'call:' || t.touch_id,
        c.person_key,
        null,
        c.opened_at,
        c.opened_at as event_at,
        null,
        null,
        c.category,
        'call',
        null,
        t.agent,
        t.team,
        f.lead_grain,
        null,
        false,
        false,
        null,
        null,
        null,
        null,
        null,
        c.touch_key
    from {{ ref('int_call_inquiries') }} as c
    inner join {{ ref('int_touches') }} as t on c.touch_key = t.touch_key
    inner join {{ ref('stg_sources') }} as f on t.feed = f.feed
)

select
    i.inquiry_key,
    i.feed,
    i.id_space,
    i.inquiry_id,
    i.person_key,
    i.name,
    i.opened_at,
    {{ to_local('i.opened_at') }} as opened_local,
    {{ week_start(to_local('i.opened_at')) }} as week_start,
    i.event_at,
    i.received_at,
    coalesce(i.source, '(no source)') as source,
    coalesce(i.category, s.category, '(none)') as category,
    i.channel,
    i.campaign,
    i.agent,
    i.team,
    i.lead_grain,
    i.set_aside_reason,
    i.is_deleted,
    i.is_past_client,
    i.disqualified_at,
    i.intent,
    i.timeframe,
    i.property_address,
    i.time_flags,
    i.opening_touch_key,
    case when i.received_at is not null then {{ seconds_between('i.event_at', 'i.received_at') }} end
        as integration_lag_seconds
from inquiries as i
left join {{ ref('int_source_categories') }} as s on i.source = s.source
