-- One row per spend line and day, in the brokerage's currency, up to the local day of as_of.
-- A line over several days is spread in whole cents, the remainder on the earliest day; the parts add up to the line.
with converted as (
    select
        s.spend_key,
        s.spend_id,
        s.feed,
        s.id_space,
        s.date_from,
        s.date_to,
        s.date_to - s.date_from + 1 as days,
        s.source,
        s.campaign,
        s.kind,
        s.deal_id,
        s.impressions,
        s.clicks,
        s.amount as amount_as_given,
        s.currency,
        cast(
            case
                when s.currency = '{{ var("currency") }}' then s.amount
                -- widened: DuckDB multiplies decimals of up to 18 digits within 18 digits, and both scales are of them
                else cast(s.amount as decimal(38, 6)) * f.rate
            end as decimal(18, 6)
        ) as amount
    from {{ ref('stg_spend') }} as s
    left join {{ ref('fx_rates') }} as f
        on upper(f.currency) = s.currency and f.month = strftime(s.date_from, '%Y-%m')
),

cents as (
    select
        *,
        cast(trunc(amount * 100) as bigint) as whole_cents
    from converted
),

days as (
    select
        c.*,
        d.day_number,
        c.date_from + d.day_number as spend_date
    from cents as c, lateral (select cast(unnest(range(0, c.days)) as integer)) as d (day_number)
),

spread as (
    select
        *,
        cast(cast(trunc(whole_cents / days) as bigint) / 100.0 as decimal(18, 6)) as amount_each
    from days
)

select
    spend_key,
    spend_date,
    feed,
    id_space,
    spend_id,
    date_from as "date",
    date_to,
    source,
    campaign,
    kind,
    deal_id,
    cast(case when day_number = 0 then amount - (days - 1) * amount_each else amount_each end as decimal(18, 6))
        as amount,
    amount_as_given,
    currency,
    impressions,
    clicks,
    {{ week_start('spend_date') }} as week_start,
    {{ as_of() }} as as_of
from spread
where spend_date <= cast({{ to_local(as_of()) }} as date)
