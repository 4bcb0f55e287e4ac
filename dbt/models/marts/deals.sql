-- One row per side of a transaction: whose it is, and the lead that was open at its first event.
with leads as (
    {{ lead_at(ref('stg_deals'), 'deals', 'deal_key', "least(e.agreement_at, e.contract_at, e.closed_at)") }}
)

select
    e.deal_key,
    e.feed,
    e.id_space,
    p.person_key,
    p.named_by,
    coalesce(p.person_conflict, false) as person_conflict,
    l.lead_id,
    e.deal_id,
    e.person_id,
    e.email,
    e.phone,
    e.side,
    e.agreement_at,
    e.contract_at,
    e.closed_at,
    e.fell_through_at,
    e.sale_price,
    e.gci,
    e.referral_fee,
    e.agent_split,
    e.source,
    e.agent,
    {{ to_local('least(e.agreement_at, e.contract_at, e.closed_at)') }} as first_event_local,
    {{ as_of() }} as as_of
from {{ ref('stg_deals') }} as e
left join {{ ref('int_row_people') }} as p on p.entity = 'deals' and e.deal_key = p.row_key
left join leads as l on e.deal_key = l.row_key
