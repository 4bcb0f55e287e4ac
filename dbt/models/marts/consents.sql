-- One row per consent event: whose it is, and the lead that was open at that moment.
with leads as (
    {{ lead_at(ref('stg_consents'), 'consents', 'consent_key', "e.consent_at") }}
)

select
    e.consent_key,
    e.feed,
    e.id_space,
    p.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    l.lead_id,
    e.consent_id,
    e.person_id,
    e.email,
    e.phone,
    e.consent_at as "at",
    e.channel,
    e.event,
    e.text_shown,
    e.source,
    e.seller_named,
    e.system,
    {{ to_local('e.consent_at') }} as at_local,
    {{ as_of() }} as as_of
from {{ ref('stg_consents') }} as e
left join {{ ref('int_row_people') }} as p on p.entity = 'consents' and e.consent_key = p.row_key
left join leads as l on e.consent_key = l.row_key
