-- One row per record of a person that the CRM has deleted by as_of, and not merged into another.
select
    id_space,
    person_id
from {{ ref('stg_people') }}
where deleted_at is not null and merged_into is null
