{{ config(schema='marts', persist_docs={'relation': true, 'columns': true}) }}
-- One row per view, thing that counts (a day of a spend line, a lead, an appointment set or held, a contract, a closing,
-- a fee) and source: the local day on which it counts, and all that it adds to source_economics.
with views ("view") as (
    select 'cohort'
    union all
    select 'cash'
),

things as (
    select
        'media' as entry,
        source,
        spend_date as cash_day,
        spend_date as cohort_day,
        cast(null as varchar) as lead_id,
        cast(null as varchar) as chain_id,
        cast(null as varchar) as deal_key,
        spend_key,
        spend_date,
        amount
    from {{ ref('spend') }}
    where kind = 'media'
    union all
    select 'vendor_fee', source, spend_date, spend_date, null, null, null, spend_key, spend_date, amount
    from {{ ref('int_vendor_fees') }}
    union all
    select 'success_fee', source, cash_day, cohort_day, lead_id, null, deal_key, spend_key, spend_date, amount
    from {{ ref('int_success_fees') }}
    where is_counted
    union all
    select 'referral_fee', source, closed_day, lead_day, lead_id, null, deal_key, null, null, referral_fee
    from {{ ref('int_deal_economics') }}
    where is_closed and referral_fee != 0
    union all
    select 'contract', source, contract_day, lead_day, lead_id, null, deal_key, null, null, null
    from {{ ref('int_deal_economics') }}
    where contract_day is not null
    union all
    select 'closing', source, closed_day, lead_day, lead_id, null, deal_key, null, null, null
    from {{ ref('int_deal_economics') }}
    where is_closed
    union all
    select 'lead', source, cast(opened_local as date), cast(opened_local as date), lead_id, null, null, null, null, null
    from {{ ref('leads') }}
    where is_eligible
    union all
    select
        'appointment_set', c.source, cast(c.set_local as date), cast(l.opened_local as date), c.lead_id, c.chain_id, null,
        null, null, null
    from {{ ref('appointment_chains') }} as c
    left join {{ ref('leads') }} as l on c.lead_id = l.lead_id
    union all
    select
        'appointment_held', c.source, cast(c.ends_local as date), cast(l.opened_local as date), c.lead_id, c.chain_id, null,
        null, null, null
    from {{ ref('appointment_chains') }} as c
    left join {{ ref('leads') }} as l on c.lead_id = l.lead_id
    where c.is_held
),

-- What belongs to no lead has no cohort.
entries as (
    select
        v."view",
        t.entry,
        t.source,
        case v."view" when 'cash' then t.cash_day else t.cohort_day end as day,
        t.lead_id,
        t.chain_id,
        t.deal_key,
        t.spend_key,
        t.spend_date,
        t.amount
    from things as t
    cross join views as v
    where v."view" = 'cash' or t.cohort_day is not null
)

select
    e."view",
    e.entry,
    e.source,
    e.day,
    e.lead_id,
    e.chain_id,
    e.deal_key,
    e.spend_key,
    e.spend_date,
    {%- for amount, rule in economics_amounts().items() %}
    cast(
        case when e.entry in ('{{ rule.entries | join("', '") }}') then coalesce({{ rule.adds }}, 0) else 0 end
        as {{ rule.type }}
    ) as {{ amount }},
    {%- endfor %}
    {{ as_of() }} as as_of
from entries as e
left join {{ ref('int_deal_economics') }} as d on e.deal_key = d.deal_key
left join {{ ref('int_lead_settled') }} as s on e.entry = 'lead' and e.lead_id = s.lead_id
left join {{ ref('int_source_categories') }} as c
    on e.source = c.source and c.source != '(no source)' and c.category != '(none)'
