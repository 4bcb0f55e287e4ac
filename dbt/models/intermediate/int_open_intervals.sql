-- One row per stretch in which the office is open, from the week before the first lead to 60 days past as_of.
-- No rows where no hours are configured: then it is always open.
with hours (isodow, opens, closes) as (
    {%- if var('hours') %}
    {%- for h in var('hours') %}
    select
        {{ h.isodow }},
        '{{ h.opens }}',
        '{{ h.closes }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- else %}
    select
        0,
        '00:00',
        '00:00'
    where false
    {%- endif %}
),

bounds as (
    select
        cast({{ to_local('min(opened_at)') }} as date) - 7 as first_day,
        cast({{ to_local(as_of()) }} as date) + 60 as last_day
    from {{ ref('int_inquiries') }}
),

days as (
    select cast(d.day as date) as local_date
    from bounds as b, lateral (select unnest(generate_series(b.first_day, b.last_day, interval 1 day))) as d (day)
),

intervals as (
    select
        d.local_date,
        d.local_date + {{ clock_interval('h.opens') }} as opens_local,
        d.local_date + {{ clock_interval('h.closes') }} as closes_local
    from days as d
    inner join hours as h on isodow(d.local_date) = h.isodow
    {%- if var('holidays') %}
    where d.local_date not in (
        {%- for day in var('holidays') %}
        date '{{ day }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
    {%- endif %}
),

instants as (
    select
        local_date,
        opens_local,
        closes_local,
        {{ to_utc('opens_local') }} as opens_at,
        {{ to_utc('closes_local') }} as closes_at
    from intervals
)

select
    local_date,
    opens_local,
    closes_local,
    opens_at,
    closes_at,
    coalesce(sum({{ microseconds_between('opens_at', 'closes_at') }}) over (
        order by opens_at rows between unbounded preceding and 1 preceding
    ), 0) as open_us_before
from instants
