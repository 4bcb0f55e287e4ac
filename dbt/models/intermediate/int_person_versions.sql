{#- Everything that an incremental fact of a person is computed from, row by row. -#}
-- One row per person: a fingerprint of all rows the incremental facts read. Sums of integers do not depend on the order
-- of rows. Agents are few and concern everybody.
with rows_of_people as (
    select
        i.person_key,
        {{ row_hash('i') }} as row_hash
    from {{ ref('int_inquiries') }} as i
    where i.person_key is not null
    union all
    select
        t.person_key,
        {{ row_hash('t') }}
    from {{ ref('int_touches') }} as t
    where t.person_key is not null
    union all
    select
        p.person_key,
        {{ row_hash('a') }}
    from {{ ref('stg_assignments') }} as a
    inner join {{ ref('int_row_people') }} as p on p.entity = 'assignments' and a.assignment_key = p.row_key
    union all
    select
        n.person_key,
        {{ row_hash('p') }}
    from {{ ref('stg_people') }} as p
    inner join {{ ref('int_person_nodes') }} as n on p.id_space || ':' || p.person_id = n.node
),

agents as (
    select
        a.agent,
        {{ row_hash('a') }} as row_hash
    from {{ ref('stg_agents') }} as a
),

everybody as (
    select coalesce(sum(row_hash), 0) as row_hash
    from agents
)

select
    r.person_key,
    cast(sum(r.row_hash) + any_value(e.row_hash) as varchar) as fingerprint
from rows_of_people as r
cross join everybody as e
group by r.person_key
