-- After hours a policy grants minutes or a morning; with neither the in-hours minutes would count at night, unsaid.
select
    category,
    in_hours_minutes,
    after_hours_minutes,
    next_morning_by
from {{ ref('sla_policies') }}
where
    in_hours_minutes is null
    or in_hours_minutes < 0
    or after_hours_minutes < 0
    or (after_hours_minutes is null) = (next_morning_by is null)
    or coalesce(valid_to < valid_from, false)
    or coalesce(not regexp_matches(next_morning_by, '^([01]\d|2[0-3]):[0-5]\d$'), false)
