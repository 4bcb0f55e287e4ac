-- One row per inquiry or touch of the last 120 days by as_of, as the source delivers it; tests and imports left out.
create or replace temp table arrived as
with delivered as (
    select
        _source as source,
        'inquiries' as entity,
        least(event_at, received_at) as arrived_at
    from raw.inquiries
    where
        _deleted_by_load is null
        and not coalesce(is_test, false)
        and not coalesce(is_import, false)
    union all
    select
        _source,
        'touches',
        occurred_at
    from raw.touches
    where _deleted_by_load is null
)

select
    d.source,
    d.entity,
    d.arrived_at,
    d.arrived_at at time zone s.timezone as local_at,
    cast(d.arrived_at at time zone s.timezone as date) as day
from delivered as d
cross join settings as s
where d.arrived_at <= s.as_of and d.arrived_at > s.as_of - interval 120 day;
