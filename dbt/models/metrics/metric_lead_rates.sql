{%- set counts = [
    'leads', 'eligible', 'leads_1d_old', 'outbound_touches', 'outbound_sender_known', 'outbound_automation_inferred'
] -%}
{%- set count_metrics = {'leads': 'leads', 'leads_eligible': 'eligible', 'leads_excluded': 'leads - eligible'} -%}
-- One row per figure that is a count or a rate of leads, for every period.
with windows as (
    select
        {%- for column in counts %}
        cast(sum(c.{{ column }}) as bigint) as {{ column }},
        {%- endfor %}
        {%- for age in lead_maturities() %}
        cast(sum(c.eligible_{{ age }}s_old) as bigint) as eligible_{{ age }}s_old,
        {%- endfor %}
        {%- for metric in lead_rates() %}
        cast(sum(c.{{ metric.id }}_numerator) as bigint) as {{ metric.id }}_numerator,
        cast(sum(c.{{ metric.id }}_denominator) as bigint) as {{ metric.id }}_denominator,
        {%- endfor %}
        w.period,
        w.week_start,
        c.slice,
        c.slice_value
    from {{ ref('metric_lead_weeks') }} as c
    inner join {{ ref('metric_windows') }} as w on c.week_start = w.member_week
    group by w.period, w.week_start, c.slice, c.slice_value
),

counts as (
    {%- for metric_id, value in count_metrics.items() %}
    select
        period,
        week_start,
        slice,
        slice_value,
        '{{ metric_id }}' as metric_id,
        cast({{ value }} as double) as value
    from windows
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

rates as (
    {%- for metric in lead_rates() %}
    select
        period,
        week_start,
        slice,
        slice_value,
        '{{ metric.id }}' as metric_id,
        {{ metric.id }}_numerator as numerator,
        {{ metric.id }}_denominator as denominator,
        eligible as cohort,
        eligible_{{ metric.matures_after }}s_old as mature
    from windows
    union all
    {%- endfor %}
    {%- for metric in touch_rates() %}
    select
        period,
        week_start,
        slice,
        slice_value,
        '{{ metric.id }}' as metric_id,
        {{ metric.numerator }} as numerator,
        {{ metric.denominator }} as denominator,
        leads as cohort,
        leads_1d_old as mature
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
    value,
    cast(null as bigint) as numerator,
    cast(null as bigint) as denominator,
    cast(null as double) as ci_low,
    cast(null as double) as ci_high,
    'ok' as reliability
from counts
union all
select
    period,
    week_start,
    slice,
    slice_value,
    metric_id,
    {{ rate_figures() }}
from rates
