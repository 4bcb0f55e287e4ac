-- One row per node: the person it is. A person's key is the least of its record nodes, so the same records give the
-- same key whatever the order in which they came.
with people as (
    select
        component,
        min(node) as person_key
    from {{ ref('int_person_components') }}
    where node not like '@%'
    group by component
)

select
    c.node,
    p.person_key
from {{ ref('int_person_components') }} as c
inner join people as p on c.component = p.component
