-- The steps lead from the CRM's figure to ours, ours is what metric_weekly says, and the rows are what the steps count.
with cells as (
    select
        r.week_start,
        r.source,
        r.theirs
        {%- for step in reconciliation_steps() %}
        + r.{{ step }}
        {%- endfor %}
        + r.unexplained as reached,
        r.ours,
        r.ours
        {%- for reason in exclusion_reasons() %}
        - r.excluded_{{ reason }}
        {%- endfor %} as eligible,
        r.leads_eligible,
        r.difference,
        r.ours - r.theirs as expected_difference,
        coalesce(m.value, 0) as published,
        r.origin = 'export' and r.unexplained != 0 as is_unexplained_export
    from {{ ref('reconciliation') }} as r
    left join {{ ref('metric_weekly') }} as m
        on
            r.week_start = m.week_start and r.source = m.slice_value
            and m.slice = 'source' and m.period = 'week' and m.metric_id = 'leads'
),

totals as (
    select
        (
            select sum(difference - unexplained)
            from {{ ref('reconciliation') }}
        ) as by_cells,
        (
            select count(lead_id) - count(record_id)
            from {{ ref('reconciliation_rows') }}
        ) as by_rows,
        (
            select sum(value)
            from {{ ref('metric_weekly') }}
            where slice = 'all' and period = 'week' and metric_id = 'leads'
        ) as leads,
        (
            select sum(ours)
            from {{ ref('reconciliation') }}
        ) as ours
)

select
    week_start,
    source,
    reached,
    ours
from cells
where
    reached != ours
    or eligible != leads_eligible
    or difference != expected_difference
    or published != ours
    or is_unexplained_export
union all
select
    null,
    'all',
    by_rows,
    by_cells
from totals
where by_rows != by_cells or ours != leads
