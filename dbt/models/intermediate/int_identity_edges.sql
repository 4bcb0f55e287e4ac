-- One row per direction of each reason why two nodes are one person, and a loop for every node.
-- Nodes are record-persons and identifiers ('@email:...', '@phone:...'); people who share one meet at it.
with merged as (
    select
        id_space || ':' || person_id as node,
        id_space || ':' || merged_into as neighbour
    from {{ ref('stg_people') }}
    where merged_into is not null
),

links as (
    select
        id_space_a || ':' || person_id_a as node,
        id_space_b || ':' || person_id_b as neighbour,
        link
    from {{ ref('person_links') }}
),

uses as (
    select
        u.node,
        '@' || u.kind || ':' || u.value as identifier
    from {{ ref('int_identifier_uses') }} as u
    where u.may_link
),

apart as (
    select
        node,
        neighbour
    from links
    where link = 'apart'
    union
    select
        neighbour,
        node
    from links
    where link = 'apart'
),

-- Somebody said that these two are not one person: the second lets go of what both carry.
let_go as (
    select
        b.node,
        b.identifier
    from links as l
    inner join uses as a on l.node = a.node
    inner join uses as b on l.neighbour = b.node and a.identifier = b.identifier
    where l.link = 'apart'
),

-- What a record carries and yet left its caller unknown is shared by too many to link callers either.
caller_uses as (
    select
        c.node,
        '@' || p.kind || ':' || p.value as identifier
    from ({{ identifier_pieces(ref('int_unknown_callers'), 'touch_key') }}) as p
    inner join {{ ref('int_unknown_callers') }} as c on p.row_key = c.touch_key
    where
        not exists (
            select 1 from {{ ref('int_identifier_uses') }} as u
            where u.kind = p.kind and u.value = p.value
        )
    union
    select
        node,
        id_space || ':' || person_id
    from {{ ref('int_unknown_callers') }}
    where person_id is not null
),

edges as (
    select
        u.node,
        u.identifier as neighbour
    from uses as u
    left join let_go as g on u.node = g.node and u.identifier = g.identifier
    where g.node is null
    union
    select
        node,
        identifier
    from caller_uses
    union
    select
        m.node,
        m.neighbour
    from merged as m
    left join apart as x on m.node = x.node and m.neighbour = x.neighbour
    where x.node is null
    union
    select
        node,
        neighbour
    from links
    where link = 'together'
)

select
    node,
    neighbour
from edges
union
select
    neighbour,
    node
from edges
union
select
    node,
    node as neighbour
from {{ ref('int_identity_records') }}
union
select
    node,
    node as neighbour
from {{ ref('int_unknown_callers') }}
