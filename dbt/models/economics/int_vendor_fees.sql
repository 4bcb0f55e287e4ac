-- One row per vendor-fee line, day and source that bears a part of it. A fee whose source is a vendor of the seed in
-- force in the day's month is shared out: each source's share in whole cents, cut toward zero; what remains goes to the
-- largest share where the shares are the whole fee, else it stays with the vendor. The parts of a day add up to it.
with fees as (
    select
        spend_key,
        spend_date,
        source,
        lower(trim(source)) as vendor,
        strftime(spend_date, '%Y-%m') as month,
        -- wide enough for the product with a share: DuckDB multiplies decimals of up to 18 digits within 18 digits
        cast(amount as decimal(38, 6)) as amount
    from {{ ref('spend') }}
    where kind = 'vendor_fee'
),

shares as (
    select
        f.spend_key,
        f.spend_date,
        trim(v.source) as source,
        cast(sum(v.share) as decimal(18, 8)) as share
    from fees as f
    inner join {{ ref('vendor_fees') }} as v
        on
            f.vendor = lower(trim(v.vendor))
            and coalesce(f.month >= v.month_from, true)
            and coalesce(f.month <= v.month_to, true)
    where v.source is not null and v.share is not null
    group by f.spend_key, f.spend_date, trim(v.source)
),

cut as (
    select
        f.spend_key,
        f.spend_date,
        f.source as vendor,
        s.source,
        f.amount as amount_of_day,
        cast(trunc(f.amount * s.share * 100) as decimal(30, 0)) * 0.01 as amount_cut,
        sum(s.share) over (partition by f.spend_key, f.spend_date) = 1 as is_whole,
        row_number() over (partition by f.spend_key, f.spend_date order by s.share desc, s.source asc) as place
    from fees as f
    inner join shares as s on f.spend_key = s.spend_key and f.spend_date = s.spend_date
),

remaining as (
    select
        spend_key,
        spend_date,
        vendor,
        is_whole,
        amount_of_day - sum(amount_cut) as amount
    from cut
    group by spend_key, spend_date, vendor, is_whole, amount_of_day
),

parts as (
    select
        c.spend_key,
        c.spend_date,
        c.source,
        c.amount_cut + case when c.place = 1 and c.is_whole then r.amount else 0 end as amount
    from cut as c
    inner join remaining as r on c.spend_key = r.spend_key and c.spend_date = r.spend_date
    union all
    select
        spend_key,
        spend_date,
        vendor as source,
        amount
    from remaining
    where not is_whole
    union all
    select
        f.spend_key,
        f.spend_date,
        f.source,
        f.amount
    from fees as f
    left join remaining as r on f.spend_key = r.spend_key and f.spend_date = r.spend_date
    where r.spend_key is null
)

-- A vendor may be a source of its own seed rows too: then its share and what remains are one part.
select
    spend_key,
    spend_date,
    source,
    cast(sum(amount) as decimal(38, 6)) as amount
from parts
group by spend_key, spend_date, source
