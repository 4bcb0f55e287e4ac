-- One row per source name that inquiries or spend bear: the category of the first pattern in the seed that fits it.
with sources as (
    select source
    from {{ ref('stg_inquiries') }}
    where source is not null
    union
    select source
    from {{ ref('stg_spend') }}
    union
    select trim(source) as source
    from {{ ref('vendor_fees') }}
    where source is not null
),

patterns as (
    select
        {{ seed_order('s') }} as place,
        s.category,
        replace(
            replace(
                replace(replace(replace(lower(trim(s.pattern)), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'
            ), '?', '_'
        ) as pattern
    from {{ ref('source_categories') }} as s
)

select
    s.source,
    min_by(p.category, p.place) as category
from sources as s
inner join patterns as p on lower(s.source) like p.pattern escape '\'
group by s.source
