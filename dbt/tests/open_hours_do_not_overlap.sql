-- Business time adds up the stretches before a moment, so a minute in two of them would count twice.
select
    opens_at,
    closes_at
from (
    select
        opens_at,
        closes_at,
        lead(opens_at) over (order by opens_at, closes_at) as next_opens_at
    from {{ ref('int_open_intervals') }}
) as stretches
where closes_at > next_opens_at
