{{ config(schema='marts', persist_docs={'relation': true, 'columns': true}) }}
-- One row per period, first day of it, view and source that anything falls into, and `(all)`, the sum of all others:
-- what it cost, what came of it, and what that says (METRICS.md section 6). Sums first, ratios of the sums last.
with past_pendings as (
    select {{ rate('count(case when is_closed then 1 end)', 'count(*)') }} as share_closed
    from {{ ref('int_deal_economics') }}
    where
        (is_closed or is_fallen_through)
        and {{ seconds_between('contract_at', as_of()) }} <= {{ 365 * 86400 }}
),

fee_sources as (
    select source
    from {{ ref('int_success_fees') }}
    union
    select source
    from {{ ref('int_deal_economics') }}
    where referral_fee != 0
),

media_sources as (
    select distinct source
    from {{ ref('source_economics_entries') }}
    where entry in ('media', 'vendor_fee')
),

-- Sources that are paid by result alone.
success_fee_sources as (
    select f.source
    from fee_sources as f
    left join media_sources as m on f.source = m.source
    where m.source is null
    union all
    select '(all)'
    where exists (select 1 from fee_sources) and not exists (select 1 from media_sources)
),

sums as (
    select
        p.period,
        p.period_start,
        p.view,
        p.source,
        cast(p.cost_media + p.cost_fees as decimal(38, 6)) as cost,
        p.cost_media,
        p.cost_fees,
        p.leads_eligible,
        p.appointments_set,
        p.appointments_held,
        p.contracts,
        p.closes,
        p.gci,
        case when p.splits_missing = 0 then p.company_dollar end as company_dollar,
        cast(
            case when p.pending_gci = 0 then 0 else cast(p.pending_gci as double) * b.share_closed end as decimal(38, 6)
        ) as pending_gci_weighted,
        -- least() leaves out the parts that do not exist
        least(
            {{ rate('p.leads_settled', 'p.leads_eligible') }},
            {{ rate('p.closes_with_gci', 'p.closes') }},
            {{ rate('p.cost_media_mapped', 'p.cost_media') }}
        ) as confidence,
        p.splits_missing,
        p.splits_assumed,
        f.source is not null as is_success_fee_source
    from {{ ref('int_economics_periods') }} as p
    cross join past_pendings as b
    left join success_fee_sources as f on p.source = f.source
),

ratios as (
    select
        *,
        {{ rate('company_dollar - cost', 'cost') }} as roi,
        {{ rate('gci - cost', 'cost') }} as roi_gci,
        {{ rate('company_dollar', 'cost') }} as return_multiple
    from sums
)

select
    period,
    period_start,
    view,
    source,
    cost,
    cost_media,
    cost_fees,
    leads_eligible,
    appointments_set,
    appointments_held,
    contracts,
    closes,
    {{ rate('cost', 'leads_eligible') }} as cost_per_lead,
    {{ rate('cost', 'appointments_set') }} as cost_per_appointment_set,
    {{ rate('cost', 'appointments_held') }} as cost_per_appointment_held,
    {{ rate('cost', 'contracts') }} as cost_per_contract,
    {{ rate('cost', 'closes') }} as cost_per_close,
    gci,
    company_dollar,
    pending_gci_weighted,
    roi,
    roi_gci,
    return_multiple,
    confidence,
    case
        when confidence is null or confidence < cast(0.6 as double) then 'too early'
        when roi >= cast({{ var('feed_above_roi') }} as double) then 'feed'
        when roi <= cast({{ var('stop_below_roi') }} as double) then 'stop'
        when roi is not null then 'keep'
    end as verdict,
    splits_missing,
    splits_assumed,
    case
        when leads_eligible = 0 then 'no leads'
        when cost = 0 and is_success_fee_source then 'success fee source'
        when cost = 0 then 'no spend'
        when company_dollar is null then 'no split entered'
    end as why_null,
    {{ as_of() }} as as_of
from ratios
