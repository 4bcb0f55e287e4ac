-- The shares of a vendor in a month are the fee at most; more would leave a negative remainder with the vendor.
with changes as (
    select distinct
        lower(trim(vendor)) as vendor,
        coalesce(month_from, '') as month
    from {{ ref('vendor_fees') }}
)

select
    c.vendor,
    c.month,
    sum(v.share) as share
from changes as c
inner join {{ ref('vendor_fees') }} as v
    on
        c.vendor = lower(trim(v.vendor))
        and c.month >= coalesce(v.month_from, '')
        and coalesce(c.month <= v.month_to, true)
group by c.vendor, c.month
having sum(v.share) > 1
