-- One row per period, first day of it, view and source, and `(all)` sources: what its entries add up to. Months are
-- added up first: quarters and trailing years are made of them.
with weeks as (
    select
        'week' as period,
        {{ week_start('day') }} as period_start,
        view,
        source,
        {{ economics_sums() }}
    from {{ ref('source_economics_entries') }}
    group by {{ week_start('day') }}, view, source
),

months as (
    select
        'month' as period,
        cast(date_trunc('month', day) as date) as period_start,
        view,
        source,
        {{ economics_sums() }}
    from {{ ref('source_economics_entries') }}
    group by date_trunc('month', day), view, source
),

quarters as (
    select
        'quarter' as period,
        cast(date_trunc('quarter', period_start) as date) as period_start,
        view,
        source,
        {{ economics_sums() }}
    from months
    group by date_trunc('quarter', period_start), view, source
),

months_after as (
    select cast(unnest(range(0, 12)) as integer) as months_after
),

-- A month is in the trailing years that end with it and with the eleven months after it, up to the month of as_of.
trailing_years as (
    select
        'trailing_12m' as period,
        cast(m.period_start + to_months(a.months_after - 11) as date) as period_start,
        m.view,
        m.source,
        {{ economics_sums() }}
    from months as m
    cross join months_after as a
    where m.period_start + to_months(a.months_after) <= {{ to_local(as_of()) }}
    group by m.period_start + to_months(a.months_after - 11), m.view, m.source
),

periods as (
    select * from weeks
    union all
    select * from months
    union all
    select * from quarters
    union all
    select * from trailing_years
)

select * from periods
union all
select
    period,
    period_start,
    view,
    '(all)' as source,
    {{ economics_sums() }}
from periods
group by period, period_start, view
