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
)

select
    i.inquiry_key,
    i.feed,
    i.id_space,
    i.inquiry_id,
    i.person_key,
    case
        when i.is_deleted then null
        when i.set_aside_reason is not null then i.inquiry_key
        else p.lead_id
    end as lead_id,
    i.name,
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
