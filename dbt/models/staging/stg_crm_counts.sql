-- One row per line of the CRM's own report of new leads, up to the local day of as_of.
select
    _source as feed,
    _id_space as id_space,
    "date",
    source,
    leads,
    coalesce(counted, 'people') as counted
from {{ source('raw', 'crm_counts') }}
where
    _deleted_by_load is null
    and "date" <= cast({{ to_local(as_of()) }} as date)
