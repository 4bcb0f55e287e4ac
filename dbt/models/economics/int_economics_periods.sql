-- One row per period, first day of it, view and source, and `(all)` sources: what its entries add up to. Months are added
-- up first: quarters and trailing years are made of them.
{%- set amounts = economics_amounts() %}
with weeks as (
    select
        {{ week_start('day') }} as period_start,
        "view",
        source,
        {%- for amount, rule in amounts.items() %}
        cast(sum({{ amount }}) as {{ rule.type }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('source_economics_entries') }}
    group by {{ week_start('day') }}, "view", source
),

months as (
    select
        cast(date_trunc('month', day) as date) as period_start,
        "view",
        source,
        {%- for amount, rule in amounts.items() %}
        cast(sum({{ amount }}) as {{ rule.type }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('source_economics_entries') }}
    group by date_trunc('month', day), "view", source
),

quarters as (
    select
        cast(date_trunc('quarter', period_start) as date) as period_start,
        "view",
        source,
        {%- for amount, rule in amounts.items() %}
        cast(sum({{ amount }}) as {{ rule.type }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from months
    group by date_trunc('quarter', period_start), "view", source
),

-- A month is in the twelve trailing years that end with it or one of the eleven after it, up to the month of as_of.
trailing_years as (
    select
        cast(m.period_start + to_months(a.months_after - 11) as date) as period_start,
        m."view",
        m.source,
        {%- for amount, rule in amounts.items() %}
        cast(sum(m.{{ amount }}) as {{ rule.type }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from months as m
    cross join (select cast(unnest(range(0, 12)) as integer) as months_after) as a
    where m.period_start + to_months(a.months_after) <= {{ to_local(as_of()) }}
    group by m.period_start + to_months(a.months_after - 11), m."view", m.source
),

periods as (
    {%- for period, relation in
        {'week': 'weeks', 'month': 'months', 'quarter': 'quarters', 'trailing_12m': 'trailing_years'}.items() %}
    select
        '{{ period }}' as period,
        period_start,
        "view",
        source,
        {%- for amount in amounts %}
        {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    period,
    period_start,
    "view",
    source,
    {%- for amount in amounts %}
    {{ amount }}{{ "," if not loop.last }}
    {%- endfor %}
from periods
union all
select
    period,
    period_start,
    "view",
    '(all)' as source,
    {%- for amount, rule in amounts.items() %}
    cast(sum({{ amount }}) as {{ rule.type }}) as {{ amount }}{{ "," if not loop.last }}
    {%- endfor %}
from periods
group by period, period_start, "view"
