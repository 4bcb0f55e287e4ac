-- One row per figure of inquiries, each under its own week, source, category and agent; those set aside included.
with slices (slice) as (
    select 'all'
    union all
    select 'source'
    union all
    select 'category'
    union all
    select 'agent'
),

inquiries as (
    select
        i.week_start,
        s.slice,
        case s.slice
            when 'all' then 'all'
            when 'source' then i.source
            when 'category' then i.category
            when 'agent' then coalesce(i.agent, '(none)')
        end as slice_value,
        {{ seconds_between('i.opened_at', as_of()) }} >= 86400 as is_mature,
        -- received before it was raised: a clock is wrong, and the lag says nothing
        case when i.integration_lag_seconds >= 0 then i.integration_lag_seconds end as lag_seconds
    from {{ ref('int_inquiries') }} as i
    cross join slices as s
    where not i.is_deleted
),

windows as (
    select
        w.period,
        w.week_start,
        i.slice,
        i.slice_value,
        count(*) as inquiries,
        count(case when i.is_mature then 1 end) as mature,
        count(i.lag_seconds) as with_lag,
        percentile_disc(0.5) within group (order by i.lag_seconds) as median_lag_seconds
    from inquiries as i
    inner join {{ ref('metric_windows') }} as w on i.week_start = w.member_week
    group by w.period, w.week_start, i.slice, i.slice_value
)

select
    period,
    week_start,
    slice,
    slice_value,
    'inquiries' as metric_id,
    cast(inquiries as double) as value,
    cast(null as bigint) as numerator,
    cast(null as bigint) as denominator,
    'ok' as reliability
from windows
union all
select
    period,
    week_start,
    slice,
    slice_value,
    'integration_lag_seconds_median',
    median_lag_seconds,
    with_lag,
    inquiries,
    {{ reliability('mature', 'inquiries', 'inquiries') }}
from windows
