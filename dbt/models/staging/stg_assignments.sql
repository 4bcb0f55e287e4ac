-- One row per assignment of a person to an agent or a queue by as_of.
select
    _source as feed,
    _id_space as id_space,
    assignment_id,
    _id_space || ':' || assignment_id as assignment_key,
    person_id,
    email,
    phone,
    "at" as assigned_at,
    agent,
    team,
    model,
    reason
from {{ source('raw', 'assignments') }}
where
    _deleted_by_load is null
    and "at" <= {{ as_of() }}
