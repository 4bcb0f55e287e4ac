-- One row per task: whose it is, and the lead that was open when it was due.
with leads as (
    {{ lead_at(ref('stg_tasks'), 'tasks', 'task_key', "e.due_at") }}
)

select
    e.task_key,
    e.feed,
    e.id_space,
    p.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    l.lead_id,
    e.task_id,
    e.person_id,
    e.email,
    e.phone,
    e.kind,
    e.due_at,
    e.done_at,
    e.agent,
    {{ to_local('e.due_at') }} as due_local,
    {{ as_of() }} as as_of
from {{ ref('stg_tasks') }} as e
left join {{ ref('int_row_people') }} as p on p.entity = 'tasks' and e.task_key = p.row_key
left join leads as l on e.task_key = l.row_key
