-- One row per source and column of an entity: in how many rows it is filled, in all and in the last 7 days (by the day
-- the row is about, where it has one) beside the 8 weeks before; and its value, where it has one value only.
create or replace temp macro filled_of(entity_name) as table (
    with stamped as (
        select
            t.*,
            coalesce(*columns(lambda c: c in ('event_at', 'occurred_at', 'booked_at', 'at', '_never'))) as _at
        from (
            select
                *,
                cast(null as timestamptz) as _never
            from query_table('raw.' || entity_name)
            where _deleted_by_load is null
        ) as t
    ),

    windowed as (
        select
            t.*,
            coalesce(t._at <= s.as_of and t._at > s.as_of - interval 7 day, false) as _is_recent,
            coalesce(t._at <= s.as_of - interval 7 day and t._at > s.as_of - interval 63 day, false) as _is_before
        from stamped as t
        cross join settings as s
    ),

    counted as (
        select
            _source,
            count(*) as _rows,
            count(*) filter (where _is_recent) as _rows_recent,
            count(*) filter (where _is_before) as _rows_before,
            {
                filled: count(columns('^[^_]')),
                recent: count(columns('^[^_]')) filter (where _is_recent),
                before: count(columns('^[^_]')) filter (where _is_before),
                only_value: if(min(columns('^[^_]')) = max(columns('^[^_]')), min(columns('^[^_]')), null)::varchar
            }
        from windowed
        group by _source
    )

    select
        _source as source,
        entity_name as entity,
        column_name,
        _rows as rows,
        _rows_recent as rows_recent,
        _rows_before as rows_before,
        found.filled as filled,
        found.recent as filled_recent,
        found.before as filled_before,
        found.only_value as only_value
    from (unpivot counted on columns('^[^_]') into name column_name value found)
);

-- One row per source, entity and column.
create or replace temp table filled as
from filled_of('people')
union all
from filled_of('inquiries')
union all
from filled_of('touches')
union all
from filled_of('appointments')
union all
from filled_of('deals')
union all
from filled_of('spend')
union all
from filled_of('consents')
union all
from filled_of('stage_changes')
union all
from filled_of('assignments')
union all
from filled_of('tasks')
union all
from filled_of('sla_excuses')
union all
from filled_of('agents');
