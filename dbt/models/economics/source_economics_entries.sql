{{ config(schema='marts', persist_docs={'relation': true, 'columns': true}) }}
-- One row per view, thing that counts (a day of a spend line, a lead, an appointment set or held, a contract, a
-- closing, a fee) and source: the local day on which it counts, and all that it adds to source_economics.
with views (view) as (
    select 'cohort'
    union all
    select 'cash'
),

media as (
    select
        'media' as entry,
        source,
        spend_key,
        spend_date,
        amount
    from {{ ref('spend') }}
    where kind = 'media'
    union all
    select
        'vendor_fee' as entry,
        source,
        spend_key,
        spend_date,
        amount
    from {{ ref('int_vendor_fees') }}
),

appointments as (
    select
        c.source,
        c.lead_id,
        c.chain_id,
        c.is_held,
        cast(c.set_local as date) as set_day,
        cast(c.ends_local as date) as end_day,
        cast(l.opened_local as date) as lead_day
    from {{ ref('appointment_chains') }} as c
    left join {{ ref('leads') }} as l on c.lead_id = l.lead_id
),

things as (
    select
        entry,
        source,
        spend_date as cash_day,
        spend_date as cohort_day,
        spend_key,
        spend_date,
        amount
    from media
    union all by name
    select
        'success_fee' as entry,
        source,
        cash_day,
        cohort_day,
        lead_id,
        deal_key,
        spend_key,
        spend_date,
        amount
    from {{ ref('int_success_fees') }}
    where is_counted
    union all by name
    select
        'referral_fee' as entry,
        source,
        closed_day as cash_day,
        lead_day as cohort_day,
        lead_id,
        deal_key,
        referral_fee as amount
    from {{ ref('int_deal_economics') }}
    where is_closed and referral_fee != 0
    union all by name
    select
        'contract' as entry,
        source,
        contract_day as cash_day,
        lead_day as cohort_day,
        lead_id,
        deal_key
    from {{ ref('int_deal_economics') }}
    where contract_day is not null
    union all by name
    select
        'closing' as entry,
        source,
        closed_day as cash_day,
        lead_day as cohort_day,
        lead_id,
        deal_key
    from {{ ref('int_deal_economics') }}
    where is_closed
    union all by name
    select
        'lead' as entry,
        source,
        cast(opened_local as date) as cash_day,
        cast(opened_local as date) as cohort_day,
        lead_id
    from {{ ref('leads') }}
    where is_eligible
    union all by name
    select
        'appointment_set' as entry,
        source,
        set_day as cash_day,
        lead_day as cohort_day,
        lead_id,
        chain_id
    from appointments
    union all by name
    select
        'appointment_held' as entry,
        source,
        end_day as cash_day,
        lead_day as cohort_day,
        lead_id,
        chain_id
    from appointments
    where is_held
),

-- What belongs to no lead has no cohort.
entries as (
    select
        v.view,
        t.entry,
        t.source,
        case v.view when 'cash' then t.cash_day else t.cohort_day end as day,
        t.lead_id,
        t.chain_id,
        t.deal_key,
        t.spend_key,
        t.spend_date,
        t.amount
    from things as t
    cross join views as v
    where v.view = 'cash' or t.cohort_day is not null
)

select
    e.view,
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
        case
            when {{ rule.of }}
                then coalesce({{ rule.adds }}, 0)
            else 0
        end as {{ rule.type }}
    ) as {{ amount }},
    {%- endfor %}
    {{ as_of() }} as as_of
from entries as e
left join {{ ref('int_deal_economics') }} as d on e.deal_key = d.deal_key
left join {{ ref('int_lead_settled') }} as s on e.entry = 'lead' and e.lead_id = s.lead_id
left join {{ ref('int_source_categories') }} as c
    on e.source = c.source and c.source != '(no source)' and c.category != '(none)'
