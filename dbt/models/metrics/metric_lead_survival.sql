-- One row per figure read off a Kaplan-Meier curve of waits, for every period. Curves do not add up over weeks, so
-- each window goes back to the waits in it, aggregated by duration first. Cells (a week of a slice) and windows are
-- numbered: a lead lies in up to 69 windows of 8 slices, and sorting by one integer takes half the time of sorting by
-- names.
with cells as (
    select
        week_start,
        slice,
        slice_value,
        eligible,
        eligible_86400s_old as mature,
        row_number() over (order by week_start, slice, slice_value) as cell
    from {{ ref('metric_lead_weeks') }}
),

-- One for every period and week in which a lead was opened, eligible or not, answered or not.
windows as (
    select
        w.period,
        w.week_start,
        c.slice,
        c.slice_value,
        cast(sum(c.eligible) as bigint) as eligible,
        cast(sum(c.mature) as bigint) as mature,
        row_number() over (order by w.period, w.week_start, c.slice, c.slice_value) as window_number
    from cells as c
    inner join {{ ref('metric_windows') }} as w on c.week_start = w.member_week
    group by w.period, w.week_start, c.slice, c.slice_value
),

members as (
    select
        c.cell,
        v.window_number
    from cells as c
    inner join {{ ref('metric_windows') }} as w on c.week_start = w.member_week
    inner join windows as v
        on
            w.period = v.period
            and w.week_start = v.week_start
            and c.slice = v.slice
            and c.slice_value = v.slice_value
),

waits as (
    {%- for wait in lead_waits() %}
    select
        {{ loop.index }} as wait,
        c.cell,
        l.{{ wait.id }}_wait_us as duration_us,
        count(case when l.{{ wait.id }}_ended then 1 end) as events,
        count(*) as leads
    from {{ ref('metric_lead_slices') }} as l
    inner join cells as c
        on l.week_start = c.week_start and l.slice = c.slice and l.slice_value = c.slice_value
    where l.is_eligible
    group by c.cell, l.{{ wait.id }}_wait_us
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

windowed as (
    select
        t.wait,
        m.window_number,
        t.duration_us,
        sum(t.events) as events,
        sum(t.leads) as leads
    from waits as t
    inner join members as m on t.cell = m.cell
    group by t.wait, m.window_number, t.duration_us
),

totals as (
    select
        wait,
        window_number,
        cast(sum(events) as bigint) as numerator
    from windowed
    group by wait, window_number
),

curves as (
    {{ kaplan_meier('windowed', ['wait', 'window_number']) }}
),

figures (wait, metric_id, share) as (
    {%- for wait in lead_waits() %}
    {%- set outer = loop %}
    {%- for metric_id, share in wait.figures.items() %}
    select {{ outer.index }}, '{{ metric_id }}', {{ share }}
    {%- if not (loop.last and outer.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

quantiles as (
    select
        f.metric_id,
        c.window_number,
        {{ first_at_or_below('c.survival', 'f.share') }} as value,
        {{ first_at_or_below('c.survival_low', 'f.share') }} as ci_low,
        {{ first_at_or_below('c.survival_high', 'f.share') }} as ci_high
    from curves as c
    inner join figures as f on c.wait = f.wait
    group by f.metric_id, c.window_number
)

select
    w.period,
    w.week_start,
    w.slice,
    w.slice_value,
    f.metric_id,
    q.value,
    coalesce(t.numerator, 0) as numerator,
    w.eligible as denominator,
    q.ci_low,
    q.ci_high,
    {{ reliability('w.mature', 'w.eligible', 'w.eligible') }} as reliability
from windows as w
cross join figures as f
left join totals as t on f.wait = t.wait and w.window_number = t.window_number
left join quantiles as q on f.metric_id = q.metric_id and w.window_number = q.window_number
