-- A line of spend that has begun by as_of is in marts.spend. The sums are compared by Great Expectations.
select
    s.spend_key,
    s.date_from,
    s.date_to
from {{ ref('stg_spend') }} as s
left join {{ ref('spend') }} as d on s.spend_key = d.spend_key
where
    d.spend_key is null
    and s.date_from <= cast({{ to_local(as_of()) }} as date)
