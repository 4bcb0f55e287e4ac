-- One row per record of a person, those merged or deleted upstream included: which person it is, and their leads.
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
    s.id_space,
    s.person_id,
    s.feed,
    n.person_key,
    coalesce(s.id_space = p.id_space and s.person_id = p.person_id, false) as is_current,
    d.person_id is not null as is_deleted,
    s.merged_into,
    s.deleted_at,
    s.name,
    s.email,
    s.phone,
    s.created_at,
    {{ to_local('s.created_at') }} as created_local,
    s.source_now,
    s.stage,
    s.agent,
    s.team,
    s.past_client_since,
    s.state,
    s.timezone,
    coalesce(p.records, 0) as records,
    coalesce(l.leads, 0) as leads,
    l.first_lead_at,
    l.last_lead_at,
    {{ as_of() }} as as_of
from {{ ref('stg_people') }} as s
left join {{ ref('int_deleted_people') }} as d on s.id_space = d.id_space and s.person_id = d.person_id
left join {{ ref('int_person_nodes') }} as n on s.id_space || ':' || s.person_id = n.node
left join {{ ref('int_people') }} as p on n.person_key = p.person_key
left join leads as l on n.person_key = l.person_key
