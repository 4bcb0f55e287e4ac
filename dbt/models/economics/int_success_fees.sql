-- One row per success-fee line and day: the deal that it was paid for, and so the source and the days it counts on. It
-- counts whole when that deal has closed, and not before; without a known deal at its own days and source.
with deals as (
    select
        id_space,
        deal_id,
        deal_key
    from {{ ref('stg_deals') }}
),

-- An invoice names a deal by the CRM's id; where two CRMs use the id, it could be either and is taken for neither.
only_deals as (
    select
        deal_id,
        min(deal_key) as deal_key
    from deals
    group by deal_id
    having count(*) = 1
),

fees as (
    select
        s.spend_key,
        s.spend_date,
        s.source,
        s.amount,
        coalesce(d.deal_key, o.deal_key) as deal_key
    from {{ ref('spend') }} as s
    left join deals as d on s.id_space = d.id_space and s.deal_id = d.deal_id
    left join only_deals as o on s.deal_id = o.deal_id
    where s.kind = 'success_fee'
)

select
    f.spend_key,
    f.spend_date,
    f.deal_key,
    d.lead_id,
    case when f.deal_key is null then f.source else coalesce(d.source, '(unattributed)') end as source,
    f.deal_key is null or coalesce(d.is_closed, false) as is_counted,
    case when f.deal_key is null then f.spend_date else d.closed_day end as cash_day,
    case when f.deal_key is null then f.spend_date else d.lead_day end as cohort_day,
    f.amount
from fees as f
left join {{ ref('int_deal_economics') }} as d on f.deal_key = d.deal_key
