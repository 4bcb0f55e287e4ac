-- One row per eligible lead: is it settled, so that its period can be judged by it. It has a final outcome (a deal of
-- it closed or fell through, or it was disqualified), or is at least as old as nine in ten leads that closed were then.
with closings as (
    select
        lead_to_closing_us,
        row_number() over (order by lead_to_closing_us) as place,
        count(*) over () as closings
    from {{ ref('int_deal_economics') }}
    where is_closed and lead_to_closing_us is not null
),

-- In whole numbers: the share 0.9 is no double.
usual as (
    select min(lead_to_closing_us) as p90_us
    from closings
    where 10 * place >= 9 * closings
),

final_deals as (
    select distinct lead_id
    from {{ ref('int_deal_economics') }}
    where lead_id is not null and (is_closed or is_fallen_through)
)

select
    l.lead_id,
    l.disqualified_at is not null or f.lead_id is not null as has_final_outcome,
    l.disqualified_at is not null
    or f.lead_id is not null
    or coalesce({{ microseconds_between('l.opened_at', 'l.as_of') }} >= u.p90_us, false) as is_settled
from {{ ref('leads') }} as l
cross join usual as u
left join final_deals as f on l.lead_id = f.lead_id
where l.is_eligible
