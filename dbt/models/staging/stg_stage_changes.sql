-- One row per change of stage by as_of.
select
    _source as feed,
    _id_space as id_space,
    change_id,
    _id_space || ':' || change_id as change_key,
    person_id,
    email,
    phone,
    "at" as changed_at,
    stage
from {{ source('raw', 'stage_changes') }}
where
    _deleted_by_load is null
    and "at" <= {{ as_of() }}
