{{ config(schema='marts') }}
-- One row per week and source that the CRM or we count leads in: its figure, ours, and the steps from one to the other.
with ours as (
    select
        week_start,
        source,
        count(*) as leads,
        {%- for reason in exclusion_reasons() %}
        count(case when exclusion_reason = '{{ reason }}' then 1 end) as excluded_{{ reason }},
        {%- endfor %}
        count(case when is_eligible then 1 end) as leads_eligible
    from {{ ref('leads') }}
    group by week_start, source
),

-- A row takes one from the CRM's week and source and adds one to ours; of a pair both have their step.
steps as (
    select
        week_there as week_start,
        source_there as source,
        case when lead_id is null then reason else reason || '_out' end as step,
        -1 as change
    from {{ ref('reconciliation_rows') }}
    where record_id is not null
    union all
    select
        week_here,
        source_here,
        case when record_id is null then reason else reason || '_in' end,
        1
    from {{ ref('reconciliation_rows') }}
    where lead_id is not null
),

summed as (
    select
        week_start,
        {%- for step in reconciliation_steps() %}
        sum(case when step = '{{ step }}' then change else 0 end) as {{ step }},
        {%- endfor %}
        source
    from steps
    group by week_start, source
),

reported_weeks as (
    select distinct week_start
    from {{ ref('crm_figures') }}
    where origin = 'file'
),

cells as (
    select
        week_start,
        source
    from {{ ref('crm_figures') }}
    union
    select
        week_start,
        source
    from ours
    union
    select
        week_start,
        source
    from summed
)

select
    c.week_start,
    c.source,
    cast(c.week_start as date) + 7 <= cast({{ to_local(as_of()) }} as date) as is_complete,
    case when w.week_start is null then 'export' else 'file' end as origin,
    coalesce((select min(r.counted) from {{ ref('crm_records') }} as r), 'people') as counted,
    coalesce(f.theirs, 0) as theirs,
    {%- for step in reconciliation_steps() %}
    cast(coalesce(s.{{ step }}, 0) as bigint) as {{ step }},
    {%- endfor %}
    cast(case
        when w.week_start is null then 0
        else coalesce(f.records, 0) - coalesce(f.theirs, 0) - coalesce(s.since_merged, 0) - coalesce(s.since_deleted, 0)
    end as bigint) as unexplained,
    coalesce(o.leads, 0) as ours,
    coalesce(o.leads, 0) - coalesce(f.theirs, 0) as difference,
    {%- for reason in exclusion_reasons() %}
    coalesce(o.excluded_{{ reason }}, 0) as excluded_{{ reason }},
    {%- endfor %}
    coalesce(o.leads_eligible, 0) as leads_eligible,
    {{ as_of() }} as as_of
from cells as c
left join {{ ref('crm_figures') }} as f on c.week_start = f.week_start and c.source = f.source
left join ours as o on c.week_start = o.week_start and c.source = o.source
left join summed as s on c.week_start = s.week_start and c.source = s.source
left join reported_weeks as w on c.week_start = w.week_start
