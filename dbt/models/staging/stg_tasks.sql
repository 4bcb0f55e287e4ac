-- One row per task.
select
    _source as feed,
    _id_space as id_space,
    task_id,
    _id_space || ':' || task_id as task_key,
    person_id,
    email,
    phone,
    kind,
    due_at,
    {{ known_by_as_of('done_at') }} as done_at,
    agent
from {{ source('raw', 'tasks') }}
where _deleted_by_load is null
