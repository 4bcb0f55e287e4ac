-- One row per side of a transaction; what happens after as_of has not happened.
select
    _source as feed,
    _id_space as id_space,
    deal_id,
    _id_space || ':' || deal_id as deal_key,
    person_id,
    email,
    phone,
    side,
    {{ known_by_as_of('agreement_at') }} as agreement_at,
    {{ known_by_as_of('contract_at') }} as contract_at,
    {{ known_by_as_of('closed_at') }} as closed_at,
    {{ known_by_as_of('fell_through_at') }} as fell_through_at,
    sale_price,
    gci,
    referral_fee,
    agent_split,
    source,
    agent,
    _time_flags as time_flags
from {{ source('raw', 'deals') }}
where _deleted_by_load is null
