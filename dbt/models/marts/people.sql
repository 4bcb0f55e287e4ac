-- One row per person, however many records they have.
with leads as (
    select
        person_key,
        count(*) as leads,
        min(opened_at) as first_lead_at,
        max(opened_at) as last_lead_at
    from {{ ref('int_leads') }}
    where set_aside_reason is null
    group by person_key
)

select
    p.person_key,
    p.id_space,
    p.person_id,
    p.name,
    p.created_at,
    p.source_now,
    p.stage,
    p.agent,
    p.team,
    p.state,
    p.timezone,
    p.past_client_since,
    p.records,
    coalesce(l.leads, 0) as leads,
    l.first_lead_at,
    l.last_lead_at,
    {{ as_of() }} as as_of
from {{ ref('int_people') }} as p
left join leads as l on p.person_key = l.person_key
