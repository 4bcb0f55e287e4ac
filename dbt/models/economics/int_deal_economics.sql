-- One row per deal that has begun (agreement, contract or closing by as_of): the source that is credited, the days on
-- which it counts, and its money. Closed wins over fallen through; pending is under contract and neither.
with begun as (
    select
        d.deal_key,
        l.lead_id,
        {{ slice_of_lead('source', 'l') }} as source,
        cast(l.opened_local as date) as lead_day,
        {{ microseconds_between('l.opened_at', 'd.closed_at') }} as lead_to_closing_us,
        l.is_eligible,
        d.contract_at,
        cast({{ to_local('d.contract_at') }} as date) as contract_day,
        cast({{ to_local('d.closed_at') }} as date) as closed_day,
        d.closed_at is not null as is_closed,
        d.closed_at is null and d.fell_through_at is not null as is_fallen_through,
        d.closed_at is null and d.fell_through_at is null and d.contract_at is not null as is_pending,
        d.gci,
        d.agent_split,
        d.referral_fee
    from {{ ref('deals') }} as d
    left join {{ ref('leads') }} as l on d.lead_id = l.lead_id
    where d.first_event_local is not null
)

select
    deal_key,
    lead_id,
    source,
    lead_day,
    case when is_eligible then lead_to_closing_us end as lead_to_closing_us,
    contract_at,
    contract_day,
    closed_day,
    is_closed,
    is_fallen_through,
    is_pending,
    referral_fee,
    case when is_pending then gci end as pending_gci,
    case when is_closed then gci end as closed_gci,
    case
        when is_closed
            then cast(gci - coalesce(agent_split, {{ default_agent_split('gci') }}) as decimal(38, 6))
    end as company_dollar,
    is_closed and gci is not null and agent_split is null
    and {{ default_agent_split('gci') }} is not null as is_split_assumed,
    is_closed and gci is not null and agent_split is null
    and {{ default_agent_split('gci') }} is null as is_split_missing
from begun
