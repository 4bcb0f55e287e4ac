{#
  Figures of a family of rates, one row per period, week, slice, value and metric. `relation` has one row per member of
  the cohort: week_start, age_seconds, the columns of `slices`, one truth value for each of `rates` (true = numerator,
  false = denominator only, null = neither) and for each of `counts` (metric_id: column). A window with members has a row
  of each metric; all members are the cohort that reliability looks at.
#}
{% macro figures_of(relation, rates, slices, counts={}) -%}
{%- set ages = rates | map(attribute='matures_after') | unique | list -%}
with sliced as (
    {%- for slice in ['all'] + slices %}
    select
        '{{ slice }}' as slice,
        {{ "'all'" if slice == 'all' else slice }} as slice_value,
        week_start,
        {%- for metric in rates %}
        {{ metric.id }},
        {%- endfor %}
        {%- for column in counts.values() %}
        {{ column }},
        {%- endfor %}
        age_seconds
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

weeks as (
    select
        week_start,
        slice,
        slice_value,
        {%- for metric in rates %}
        count({{ metric.id }}) as {{ metric.id }}_denominator,
        count(case when {{ metric.id }} then 1 end) as {{ metric.id }}_numerator,
        {%- endfor %}
        {%- for age in ages %}
        count(case when age_seconds >= {{ age }} then 1 end) as members_{{ age }}s_old,
        {%- endfor %}
        {%- for column in counts.values() %}
        count(case when {{ column }} then 1 end) as {{ column }},
        {%- endfor %}
        count(*) as members
    from sliced
    group by week_start, slice, slice_value
),

windows as (
    select
        w.period,
        w.week_start,
        c.slice,
        c.slice_value,
        {%- for metric in rates %}
        cast(sum(c.{{ metric.id }}_denominator) as bigint) as {{ metric.id }}_denominator,
        cast(sum(c.{{ metric.id }}_numerator) as bigint) as {{ metric.id }}_numerator,
        {%- endfor %}
        {%- for age in ages %}
        sum(c.members_{{ age }}s_old) as members_{{ age }}s_old,
        {%- endfor %}
        {%- for column in counts.values() %}
        sum(c.{{ column }}) as {{ column }},
        {%- endfor %}
        sum(c.members) as members
    from weeks as c
    inner join {{ ref('metric_windows') }} as w on c.week_start = w.member_week
    group by w.period, w.week_start, c.slice, c.slice_value
),

rates as (
    {%- for metric in rates %}
    select
        period,
        week_start,
        slice,
        slice_value,
        '{{ metric.id }}' as metric_id,
        {{ metric.id }}_numerator as numerator,
        {{ metric.id }}_denominator as denominator,
        members as cohort,
        members_{{ metric.matures_after }}s_old as mature
    from windows
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    period,
    week_start,
    slice,
    slice_value,
    metric_id,
    {{ rate_figures() }}
from rates
{%- for metric_id, column in counts.items() %}
union all
select
    period,
    week_start,
    slice,
    slice_value,
    '{{ metric_id }}' as metric_id,
    cast({{ column }} as double) as value,
    cast(null as bigint) as numerator,
    cast(null as bigint) as denominator,
    cast(null as double) as ci_low,
    cast(null as double) as ci_high,
    'ok' as reliability
from windows
{%- endfor %}
{%- endmacro %}
