-- One row per stay of an agent in a team and an office.
select
    _source as feed,
    _id_space as id_space,
    agent,
    name,
    team,
    office,
    role,
    active_from,
    active_to,
    email
from {{ source('raw', 'agents') }}
where _deleted_by_load is null
