-- One row per person: the record that stands for them (not merged away, the oldest), and what it says today.
with records as (
    select
        n.person_key,
        p.id_space,
        p.person_id,
        p.name,
        p.created_at,
        p.source_now,
        p.stage,
        p.agent,
        p.team,
        p.state,
        p.timezone,
        p.past_client_since,
        count(*) over (partition by n.person_key) as records,
        row_number() over (
            partition by n.person_key
            order by p.merged_into is not null, p.created_at nulls last, p.id_space, p.person_id
        ) as place
    from {{ ref('stg_people') }} as p
    inner join {{ ref('int_person_nodes') }} as n on p.id_space || ':' || p.person_id = n.node
),

-- Somebody known only from what they sent or from where they called.
nameless as (
    select
        n.person_key,
        min_by(r.name, row(r.name is null, r.record_key)) as name
    from {{ ref('int_identity_records') }} as r
    inner join {{ ref('int_person_nodes') }} as n on r.node = n.node
    group by n.person_key
)

select
    k.person_key,
    r.id_space,
    r.person_id,
    coalesce(r.name, o.name) as name,
    r.created_at,
    r.source_now,
    r.stage,
    r.agent,
    r.team,
    r.state,
    r.timezone,
    r.past_client_since,
    coalesce(r.records, 0) as records
from (select distinct person_key from {{ ref('int_person_nodes') }}) as k
left join records as r on k.person_key = r.person_key and r.place = 1
left join nameless as o on k.person_key = o.person_key
