-- One row per inquiry, set aside, repeated or deleted ones included: whose it is and which lead it belongs to.
with leads as (
    select
        person_key,
        lead_id,
        opened_at,
        inquiry_id,
        id_space
    from {{ ref('int_leads') }}
    where set_aside_reason is null
),

-- Inquiries and leads in one order; the last lead opened by then takes the inquiry.
line as (
    select
        person_key,
        opened_at,
        inquiry_id,
        id_space,
        0 as is_inquiry,
        lead_id,
        cast(null as varchar) as inquiry_key
    from leads
    union all
    select
        person_key,
        opened_at,
        inquiry_id,
        id_space,
        1,
        null,
        inquiry_key
    from {{ ref('int_inquiries') }}
    where set_aside_reason is null and not is_deleted
),

placed as (
    select
        inquiry_key,
        last_value(lead_id ignore nulls) over (
            partition by person_key order by opened_at, inquiry_id, id_space, is_inquiry
            rows between unbounded preceding and current row
        ) as lead_id
    from line
),

-- What the row itself says of the person: a call that is an inquiry has the touch's words.
given as (
    select
        inquiry_key,
        id_space,
        person_id,
        email,
        phone,
        is_test,
        is_spam,
        is_import,
        is_agent_created
    from {{ ref('stg_inquiries') }}
    union all
    select
        i.inquiry_key,
        t.id_space,
        t.person_id,
        t.email,
        t.phone,
        false,
        false,
        false,
        false
    from {{ ref('int_inquiries') }} as i
    inner join {{ ref('stg_touches') }} as t on i.opening_touch_key = t.touch_key
),

reachable as (
    select distinct row_key as inquiry_key
    from ({{ identifier_pieces('given', 'inquiry_key') }}) as pieces
)

select
    i.inquiry_key,
    i.feed,
    i.id_space,
    i.inquiry_id,
    i.person_key,
    g.person_id,
    case
        when i.is_deleted then null
        when i.set_aside_reason is not null then i.inquiry_key
        else p.lead_id
    end as lead_id,
    i.name,
    g.email,
    g.phone,
    g.person_id is not null or r.inquiry_key is not null as names_a_person,
    i.opened_at,
    i.opened_local,
    i.week_start,
    i.event_at,
    i.received_at,
    i.source,
    i.category,
    i.channel,
    i.campaign,
    i.agent,
    i.team,
    i.lead_grain,
    g.is_test,
    g.is_spam,
    g.is_import,
    g.is_agent_created,
    i.set_aside_reason,
    i.is_deleted,
    i.is_past_client,
    i.disqualified_at,
    i.intent,
    i.timeframe,
    i.property_address,
    i.integration_lag_seconds,
    coalesce(i.integration_lag_seconds < 0, false) as has_clock_error,
    i.time_flags,
    {{ as_of() }} as as_of
from {{ ref('int_inquiries') }} as i
left join placed as p on i.inquiry_key = p.inquiry_key and p.inquiry_key is not null
left join given as g on i.inquiry_key = g.inquiry_key
left join reachable as r on i.inquiry_key = r.inquiry_key
