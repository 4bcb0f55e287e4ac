-- One row per excuse: the lead whose opening inquiry it names (null if it names another).
select
    e.inquiry_key,
    e.feed,
    e.id_space,
    e.inquiry_id,
    l.person_key,
    l.lead_id,
    e.reason,
    e.approver,
    e.excused_at as "at",
    {{ to_local('e.excused_at') }} as at_local,
    {{ as_of() }} as as_of
from {{ ref('stg_sla_excuses') }} as e
left join {{ ref('int_leads') }} as l on e.inquiry_key = l.lead_id
