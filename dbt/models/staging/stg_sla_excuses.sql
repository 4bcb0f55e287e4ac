-- One row per excused inquiry, excused by as_of; the first approval counts.
select
    _source as feed,
    _id_space as id_space,
    inquiry_id,
    _id_space || ':' || inquiry_id as inquiry_key,
    reason,
    approver,
    "at" as excused_at
from {{ source('raw', 'sla_excuses') }}
where
    _deleted_by_load is null
    and coalesce("at" <= {{ as_of() }}, true)
