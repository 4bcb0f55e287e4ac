-- What the cash view adds up to over all sources, in each kind of period that divides time, is what the ledgers hold.
{%- set figures = ['cost_media', 'cost_fees', 'gci', 'leads_eligible', 'appointments_set', 'appointments_held',
    'contracts', 'closes'] %}
with totals as (
    select
        period,
        {%- for figure in figures %}
        sum({{ figure }}) as {{ figure }},
        {%- endfor %}
        count(*) as sources
    from {{ ref('source_economics') }}
    where view = 'cash' and period != 'trailing_12m' and source != '(all)'
    group by period
),

deals_of_id as (
    select
        deal_id,
        count(*) as deals,
        count(closed_at) as closed
    from {{ ref('deals') }}
    group by deal_id
),

-- A success fee whose deal is known and has not closed is not due yet.
due as (
    select
        s.kind = 'success_fee' as is_fee,
        s.amount
    from {{ ref('spend') }} as s
    left join {{ ref('deals') }} as d on s.id_space = d.id_space and s.deal_id = d.deal_id
    left join deals_of_id as n on s.deal_id = n.deal_id
    where
        s.kind != 'success_fee'
        or d.closed_at is not null
        or (d.deal_key is null and coalesce(n.deals != 1 or n.closed = 1, true))
),

invoices as (
    select
        sum(case when not is_fee then amount end) as cost_media,
        sum(case when is_fee then amount end) as success_fees
    from due
),

deals as (
    select
        sum(case when closed_at is not null then referral_fee end) as referral_fees,
        sum(case when closed_at is not null then gci end) as gci,
        count(contract_at) as contracts,
        count(closed_at) as closes
    from {{ ref('deals') }}
),

leads as (
    select count(*) as leads_eligible
    from {{ ref('leads') }}
    where is_eligible
),

appointments as (
    select
        count(*) as appointments_set,
        count(case when is_held then 1 end) as appointments_held
    from {{ ref('appointment_chains') }}
),

ledger as (
    select
        i.cost_media,
        coalesce(i.success_fees, 0) + coalesce(d.referral_fees, 0) as cost_fees,
        d.gci,
        l.leads_eligible,
        a.appointments_set,
        a.appointments_held,
        d.contracts,
        d.closes
    from invoices as i
    cross join deals as d
    cross join leads as l
    cross join appointments as a
)

select
    p.period,
    {%- for figure in figures %}
    t.{{ figure }},
    l.{{ figure }} as {{ figure }}_of_ledger,
    {%- endfor %}
    t.sources
from (values ('week'), ('month'), ('quarter')) as p (period)
cross join ledger as l
left join totals as t on p.period = t.period
where
    false
    {%- for figure in figures %}
    or coalesce(t.{{ figure }}, 0) != coalesce(l.{{ figure }}, 0)
    {%- endfor %}
