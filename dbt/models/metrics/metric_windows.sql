-- One row per period, week that names it, and week taken into it: every week from the first with data to that of as_of.
with bounds as (
    select
        least(
            (select min(week_start) from {{ ref('int_inquiries') }}),
            (select min(week_start) from {{ ref('spend') }}),
            (select min(week_start) from {{ ref('metric_appointments') }}),
            (select min(week_start) from {{ ref('metric_people') }})
        ) as first_week,
        {{ week_start(to_local(as_of())) }} as last_week
),

weeks as (
    select cast(w.week_start as date) as week_start
    from bounds as b,
        lateral (select unnest(generate_series(b.first_week, b.last_week, interval 7 day))) as w (week_start)
),

periods (period, weeks) as (
    {%- for period, weeks in periods().items() %}
    select '{{ period }}', {{ weeks }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    p.period,
    w.week_start,
    m.week_start as member_week
from weeks as w
cross join periods as p
inner join weeks as m on w.week_start >= m.week_start and w.week_start - 7 * p.weeks < m.week_start
