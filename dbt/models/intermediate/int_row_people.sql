{#- Rows that link nobody: they look up person_id, then email, then phone. -#}
{%- set entities = {
    'touches': 'touch_key', 'appointments': 'appointment_key', 'deals': 'deal_key', 'consents': 'consent_key',
    'stage_changes': 'change_key', 'assignments': 'assignment_key', 'tasks': 'task_key'
} -%}
-- One row per row of an entity that names somebody known: whom, by what, and whether its names disagree.
with named as (
    {%- for entity, key in entities.items() %}
    select
        '{{ entity }}' as entity,
        {{ key }} as row_key,
        1 as rank,
        1 as place,
        id_space || ':' || person_id as node
    from {{ ref('stg_' ~ entity) }}
    where person_id is not null
    union all
    select
        '{{ entity }}',
        p.row_key,
        case p.kind when 'email' then 2 else 3 end,
        p.place,
        '@' || p.kind || ':' || p.value
    from ({{ identifier_pieces(ref('stg_' ~ entity), key) }}) as p
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

found as (
    select
        n.entity,
        n.row_key,
        n.rank,
        n.place,
        p.person_key
    from named as n
    inner join {{ ref('int_person_nodes') }} as p on n.node = p.node
)

select
    entity,
    row_key,
    min_by(person_key, 1000 * rank + place) as person_key,
    case min(rank) when 1 then 'person_id' when 2 then 'email' else 'phone' end as named_by,
    count(distinct person_key) > 1 as person_conflict
from found
group by entity, row_key
