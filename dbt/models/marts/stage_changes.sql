-- One row per change of stage: whose it is, and the lead that was open at that moment.
with leads as (
    {{ lead_at(ref('stg_stage_changes'), 'stage_changes', 'change_key', "e.changed_at") }}
)

select
    e.change_key,
    e.feed,
    e.id_space,
    p.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    l.lead_id,
    e.change_id,
    e.person_id,
    e.email,
    e.phone,
    e.changed_at as "at",
    e.stage,
    {{ to_local('e.changed_at') }} as at_local,
    {{ as_of() }} as as_of
from {{ ref('stg_stage_changes') }} as e
left join {{ ref('int_row_people') }} as p on p.entity = 'stage_changes' and e.change_key = p.row_key
left join leads as l on e.change_key = l.row_key
