-- One row per raw email or phone text that is worth something: valid, and not a placeholder that anybody may type.
select
    kind,
    raw_text,
    normalised
from {{ source('raw', 'identifiers') }}
where is_valid and not is_junk
