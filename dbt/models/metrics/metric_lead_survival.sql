-- One row per figure read off a Kaplan-Meier curve of waits, for every period. Curves do not add up over weeks, so each
-- window goes back to the waits in it, aggregated by duration first.
with waits as (
    {%- for wait in lead_waits() %}
    select
        '{{ wait.id }}' as wait,
        week_start,
        slice,
        slice_value,
        {{ wait.id }}_wait_us as duration_us,
        count(case when {{ wait.id }}_ended then 1 end) as events,
        count(*) as leads
    from {{ ref('metric_lead_slices') }}
    where is_eligible
    group by week_start, slice, slice_value, {{ wait.id }}_wait_us
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

windowed as (
    select
        t.wait,
        w.period,
        w.week_start,
        t.slice,
        t.slice_value,
        t.duration_us,
        sum(t.events) as events,
        sum(t.leads) as leads
    from waits as t
    inner join {{ ref('metric_windows') }} as w on t.week_start = w.member_week
    group by t.wait, w.period, w.week_start, t.slice, t.slice_value, t.duration_us
),

totals as (
    select
        wait,
        period,
        week_start,
        slice,
        slice_value,
        cast(sum(events) as bigint) as numerator
    from windowed
    group by wait, period, week_start, slice, slice_value
),

curves as (
    {{ kaplan_meier('windowed', ['wait', 'period', 'week_start', 'slice', 'slice_value']) }}
),

quantiles as (
    {%- for wait in lead_waits() %}
    {%- set outer = loop %}
    {%- for metric_id, share in wait.figures.items() %}
    select
        wait,
        period,
        week_start,
        slice,
        slice_value,
        '{{ metric_id }}' as metric_id,
        {{ first_at_or_below('survival', share) }} as value,
        {{ first_at_or_below('survival_low', share) }} as ci_low,
        {{ first_at_or_below('survival_high', share) }} as ci_high
    from curves
    where wait = '{{ wait.id }}'
    group by wait, period, week_start, slice, slice_value
    {%- if not (loop.last and outer.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

figures (wait, metric_id) as (
    {%- for wait in lead_waits() %}
    {%- set outer = loop %}
    {%- for metric_id in wait.figures %}
    select '{{ wait.id }}', '{{ metric_id }}'
    {%- if not (loop.last and outer.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

-- A row for every window in which a lead was opened, eligible or not, answered or not.
windows as (
    select
        w.period,
        w.week_start,
        c.slice,
        c.slice_value,
        cast(sum(c.eligible) as bigint) as eligible,
        cast(sum(c.eligible_86400s_old) as bigint) as mature
    from {{ ref('metric_lead_weeks') }} as c
    inner join {{ ref('metric_windows') }} as w on c.week_start = w.member_week
    group by w.period, w.week_start, c.slice, c.slice_value
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
left join totals as t
    on
        f.wait = t.wait
        and w.period = t.period
        and w.week_start = t.week_start
        and w.slice = t.slice
        and w.slice_value = t.slice_value
left join quantiles as q
    on
        f.metric_id = q.metric_id
        and w.period = q.period
        and w.week_start = q.week_start
        and w.slice = q.slice
        and w.slice_value = q.slice_value
