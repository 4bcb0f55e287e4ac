-- One row per stay of an agent in a team and an office.
select
    agent,
    feed,
    id_space,
    name,
    team,
    office,
    role,
    active_from,
    active_to,
    email,
    coalesce(active_from <= cast({{ to_local(as_of()) }} as date), true)
    and coalesce(active_to >= cast({{ to_local(as_of()) }} as date), true) as is_active,
    {{ as_of() }} as as_of
from {{ ref('stg_agents') }}
