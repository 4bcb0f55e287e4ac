-- One row per line of the CRM's own report of new leads, with the reporting week it falls into.
select
    feed,
    id_space,
    "date",
    source,
    leads,
    counted,
    {{ week_start('"date"') }} as week_start,
    {{ as_of() }} as as_of
from {{ ref('stg_crm_counts') }}
