-- One row per lead, as of as_of: what opened it, how it was answered, what its clock says.
with disqualified_stages as (
    select
        p.person_key,
        s.changed_at
    from {{ ref('stg_stage_changes') }} as s
    inner join {{ ref('int_row_people') }} as p on p.entity = 'stage_changes' and s.change_key = p.row_key
    where s.stage = 'disqualified'
),

stage_disqualified as (
    select
        l.lead_id,
        min(s.changed_at) as disqualified_at
    from {{ ref('int_leads') }} as l
    inner join disqualified_stages as s
        on
            l.person_key = s.person_key
            and l.opened_at <= s.changed_at
            and coalesce(l.next_lead_at > s.changed_at, true)
    where l.set_aside_reason is null
    group by l.lead_id
),

excused as (
    select distinct inquiry_key from {{ ref('stg_sla_excuses') }}
),

appointments as (
    select
        lead_id,
        count(*) as appointments,
        min(set_at) as first_appointment_set_at,
        min(case when is_held then ends_at end) as first_appointment_held_at
    from {{ ref('int_appointment_chains') }}
    where lead_id is not null
    group by lead_id
),

deals as (
    select
        lead_id,
        count(*) as deals,
        min(agreement_at) as first_agreement_at,
        min(contract_at) as first_contract_at,
        min(closed_at) as first_closed_at
    from {{ ref('deals') }}
    where lead_id is not null
    group by lead_id
),

observed as (
    select
        l.lead_id,
        l.person_key,
        l.name,
        l.id_space,
        l.inquiry_id,
        l.feed,
        l.lead_grain,
        l.source,
        l.category,
        l.agent,
        l.team,
        l.office,
        l.opened_at,
        l.opened_local,
        l.week_start,
        l.inquiries,
        l.next_lead_at,
        l.set_aside_reason,
        l.integration_lag_seconds,
        x.exclusion_reason,
        v.first_any_at,
        v.first_response_at,
        v.first_response_strict_at,
        v.first_reply_at,
        v.first_contact_at,
        v.responder,
        v.response_channel,
        v.outbound_touches,
        v.outbound_sender_known,
        v.outbound_automation_inferred,
        c.hours,
        c.due_at,
        q.due_in_quiet_hours,
        q.quiet_hours_allowed,
        f.first_touch_ok,
        e.inquiry_key is not null as is_excused,
        case
            when coalesce(l.inquiry_disqualified_at, d.disqualified_at) is not null
                then greatest(least(l.inquiry_disqualified_at, d.disqualified_at), l.opened_at)
        end as disqualified_at,
        {{ as_of() }} as as_of
    from {{ ref('int_leads') }} as l
    inner join {{ ref('int_lead_exclusions') }} as x on l.lead_id = x.lead_id
    inner join {{ ref('int_lead_speed') }} as v on l.lead_id = v.lead_id
    inner join {{ ref('int_lead_sla') }} as c on l.lead_id = c.lead_id
    left join {{ ref('int_lead_quiet_hours') }} as q on l.lead_id = q.lead_id
    left join {{ ref('int_lead_first_touch') }} as f on l.lead_id = f.lead_id
    left join excused as e on l.lead_id = e.inquiry_key
    left join stage_disqualified as d on l.lead_id = d.lead_id
),

-- least() leaves nulls out: what never came does not bound the wait
bounded as (
    select
        *,
        least(as_of, next_lead_at, disqualified_at) as observed_until
    from observed
),

people as (
    select
        person_key,
        name,
        source_now
    from {{ ref('int_people') }}
)

select
    b.lead_id,
    b.person_key,
    coalesce(b.name, p.name) as name,
    b.id_space,
    b.inquiry_id,
    b.feed,
    b.lead_grain,
    b.source,
    p.source_now,
    b.category,
    b.agent,
    b.team,
    b.office,
    b.hours,
    b.responder,
    b.opened_at,
    b.opened_local,
    b.week_start,
    b.inquiries,
    b.next_lead_at,
    b.set_aside_reason is not null as is_set_aside,
    b.exclusion_reason is null as is_eligible,
    b.exclusion_reason,
    b.first_any_at,
    b.first_response_at,
    b.first_response_strict_at,
    b.first_reply_at,
    b.first_contact_at,
    b.response_channel,
    {{ seconds_between('b.opened_at', 'b.first_response_at') }} as response_seconds,
    {{ seconds_between('b.opened_at', 'b.first_contact_at') }} as contact_seconds,
    t.response_business_seconds,
    b.observed_until,
    case when not coalesce(b.first_response_at <= b.observed_until, false) then b.observed_until end as censored_at,
    case
        when coalesce(b.first_response_at <= b.observed_until, false) then null
        when b.next_lead_at = b.observed_until then 'next_lead'
        when b.disqualified_at = b.observed_until then 'disqualified'
        else 'as_of'
    end as censor_reason,
    b.disqualified_at,
    b.due_at,
    {{ seconds_between('b.opened_at', 'b.due_at') }} / 60 as due_minutes,
    case
        when b.due_at is null then null
        when b.is_excused then 'excused'
        when b.first_response_at is null and coalesce(b.disqualified_at <= b.due_at, false) then 'not_needed'
        when b.first_response_at <= b.due_at then 'met'
        when b.first_response_at > b.due_at then 'missed'
        when b.as_of > b.due_at then 'open_overdue'
        else 'open_not_due'
    end as sla_status,
    b.due_in_quiet_hours,
    b.quiet_hours_allowed,
    b.first_touch_ok,
    b.integration_lag_seconds,
    b.outbound_touches,
    b.outbound_sender_known,
    b.outbound_automation_inferred,
    coalesce(a.appointments, 0) as appointments,
    a.first_appointment_set_at,
    {{ seconds_between('b.opened_at', 'a.first_appointment_set_at') }} as appointment_set_seconds,
    a.first_appointment_held_at,
    coalesce(d.deals, 0) as deals,
    d.first_agreement_at,
    d.first_contract_at,
    d.first_closed_at,
    {{ seconds_between('b.opened_at', 'b.as_of') }} as age_seconds,
    b.as_of
from bounded as b
left join people as p on b.person_key = p.person_key
left join {{ ref('int_lead_business_time') }} as t on b.lead_id = t.lead_id
left join appointments as a on b.lead_id = a.lead_id
left join deals as d on b.lead_id = d.lead_id
