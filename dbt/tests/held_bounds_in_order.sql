-- held / decidable <= held / known <= (held + unknown) / decidable, in every window that has all three.
select
    r.week_start,
    r.period,
    r.slice,
    r.slice_value,
    l.value as lowest,
    r.value as held_rate,
    h.value as highest
from {{ ref('metric_weekly') }} as r
inner join {{ ref('metric_weekly') }} as l
    on
        l.metric_id = 'held_rate_low'
        and r.week_start = l.week_start and r.period = l.period
        and r.slice = l.slice and r.slice_value = l.slice_value
inner join {{ ref('metric_weekly') }} as h
    on
        h.metric_id = 'held_rate_high'
        and r.week_start = h.week_start and r.period = h.period
        and r.slice = h.slice and r.slice_value = h.slice_value
where
    r.metric_id = 'held_rate'
    and not coalesce(l.value <= r.value and r.value <= h.value, r.value is null)
