-- One row per record-person and email or phone on its records: may it link them to others.
-- A number or address on records of more than max_shared_identifier different people (an office line, a family portal
-- account) links nobody. Different people are distinct person_ids, and distinct names where there is no person_id.
with uses as (
    {{ identifier_pieces(ref('int_identity_records'), 'record_key') }}
),

described as (
    select
        r.node,
        u.kind,
        u.value,
        case
            when r.person_id is not null then 'id:' || r.id_space || ':' || r.person_id
            else 'name:' || lower(trim(r.name))
        end as somebody
    from uses as u
    inner join {{ ref('int_identity_records') }} as r on u.row_key = r.record_key
),

shared as (
    select
        kind,
        value,
        count(distinct somebody) as different_people
    from described
    group by kind, value
)

select distinct
    d.node,
    d.kind,
    d.value,
    s.different_people,
    s.different_people <= {{ var('max_shared_identifier') }} as may_link
from described as d
inner join shared as s on d.kind = s.kind and d.value = s.value
