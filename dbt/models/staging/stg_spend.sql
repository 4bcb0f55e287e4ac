-- One row per spend line as the platform or the invoice states it. Its days are the account's own, never shifted.
select
    _source as feed,
    _id_space as id_space,
    spend_id,
    coalesce(_id_space || ':' || spend_id, _source || '/' || _file || '#' || _line) as spend_key,
    "date" as date_from,
    coalesce(date_to, "date") as date_to,
    source,
    campaign,
    amount,
    upper(coalesce(currency, '{{ var("currency") }}')) as currency,
    coalesce(kind, 'media') as kind,
    deal_id,
    impressions,
    clicks
from {{ source('raw', 'spend') }}
where _deleted_by_load is null
