-- One row per assignment: whose it is, and the lead that was open at that moment.
with leads as (
    {{ lead_at(ref('stg_assignments'), 'assignments', 'assignment_key', "e.assigned_at") }}
)

select
    e.assignment_key,
    e.feed,
    e.id_space,
    p.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    l.lead_id,
    e.assignment_id,
    e.person_id,
    e.email,
    e.phone,
    e.assigned_at as "at",
    e.agent,
    e.team,
    e.model,
    e.reason,
    {{ to_local('e.assigned_at') }} as at_local,
    {{ as_of() }} as as_of
from {{ ref('stg_assignments') }} as e
left join {{ ref('int_row_people') }} as p on p.entity = 'assignments' and e.assignment_key = p.row_key
left join leads as l on e.assignment_key = l.row_key
