-- One row per figure of spend: all kinds together, in the brokerage's currency.
with slices (slice) as (
    select 'all'
    union all
    select 'source'
),

weeks as (
    select
        d.week_start,
        s.slice,
        case s.slice when 'all' then 'all' else d.source end as slice_value,
        sum(d.amount) as amount
    from {{ ref('spend') }} as d
    cross join slices as s
    group by d.week_start, s.slice, case s.slice when 'all' then 'all' else d.source end
)

select
    w.period,
    w.week_start,
    k.slice,
    k.slice_value,
    'spend' as metric_id,
    cast(sum(k.amount) as double) as value
from weeks as k
inner join {{ ref('metric_windows') }} as w on k.week_start = w.member_week
group by w.period, w.week_start, k.slice, k.slice_value
