-- What the cash view adds up to over all sources, in each kind of period that divides time, is what the ledgers hold.
with totals as (
    select
        period,
        sum(cost_media) as cost_media,
        sum(cost_fees) as cost_fees,
        sum(gci) as gci,
        sum(leads_eligible) as leads,
        sum(appointments_set) as appointments_set,
        sum(appointments_held) as appointments_held,
        sum(contracts) as contracts,
        sum(closes) as closes
    from {{ ref('source_economics') }}
    where "view" = 'cash' and period != 'trailing_12m' and source != '(all)'
    group by period
),

-- A success fee of a deal that has not closed is not due yet.
due as (
    select
        s.kind,
        s.amount
    from {{ ref('spend') }} as s
    where
        s.kind != 'success_fee'
        or exists (
            select 1 from {{ ref('deals') }} as d
            where d.deal_id = s.deal_id and d.id_space = s.id_space and d.closed_at is not null
        )
        or (
            not exists (
                select 1 from {{ ref('deals') }} as d
                where d.deal_id = s.deal_id and d.id_space = s.id_space
            )
            and coalesce((
                select count(*) != 1 or count(d.closed_at) = 1 from {{ ref('deals') }} as d
                where d.deal_id = s.deal_id
            ), true)
        )
),

ledger as (
    select
        (select sum(amount) from due where kind != 'success_fee') as cost_media,
        coalesce((select sum(amount) from due where kind = 'success_fee'), 0)
        + coalesce((select sum(referral_fee) from {{ ref('deals') }} where closed_at is not null), 0) as cost_fees,
        (select sum(gci) from {{ ref('deals') }} where closed_at is not null) as gci,
        (select count(*) from {{ ref('leads') }} where is_eligible) as leads,
        (select count(*) from {{ ref('appointment_chains') }}) as appointments_set,
        (select count(*) from {{ ref('appointment_chains') }} where is_held) as appointments_held,
        (select count(*) from {{ ref('deals') }} where contract_at is not null) as contracts,
        (select count(*) from {{ ref('deals') }} where closed_at is not null) as closes
)

select
    p.period,
    t.cost_media,
    l.cost_media as cost_media_of_ledger,
    t.cost_fees,
    l.cost_fees as cost_fees_of_ledger,
    t.gci,
    l.gci as gci_of_ledger
from (values ('week'), ('month'), ('quarter')) as p (period)
cross join ledger as l
left join totals as t on p.period = t.period
where
    coalesce(t.cost_media, 0) != coalesce(l.cost_media, 0)
    or coalesce(t.cost_fees, 0) != l.cost_fees
    or coalesce(t.gci, 0) != coalesce(l.gci, 0)
    or coalesce(t.leads, 0) != l.leads
    or coalesce(t.appointments_set, 0) != l.appointments_set
    or coalesce(t.appointments_held, 0) != l.appointments_held
    or coalesce(t.contracts, 0) != l.contracts
    or coalesce(t.closes, 0) != l.closes
