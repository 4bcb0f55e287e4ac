-- One row per week and source for which the CRM has a figure: the report's where one covers the week, else the number
-- of current records that the export holds.
with report as (
    select
        week_start,
        source,
        sum(leads) as leads
    from {{ ref('crm_counts') }}
    group by week_start, source
),

reported_weeks as (
    select distinct week_start
    from report
),

records as (
    select
        week_start,
        source,
        count(*) as records
    from {{ ref('crm_records') }}
    where state = 'current'
    group by week_start, source
),

cells as (
    select
        week_start,
        source
    from report
    union
    select
        week_start,
        source
    from records
)

select
    c.week_start,
    c.source,
    case when w.week_start is null then 'export' else 'file' end as origin,
    cast(case when w.week_start is null then r.records else coalesce(p.leads, 0) end as bigint) as theirs,
    coalesce(r.records, 0) as records
from cells as c
left join reported_weeks as w on c.week_start = w.week_start
left join report as p on c.week_start = p.week_start and c.source = p.source
left join records as r on c.week_start = r.week_start and c.source = r.source
