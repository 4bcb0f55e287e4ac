{{ config(schema='marts') }}
-- One row per record of the CRM or lead of ours for which the two count differently, with its one reason.
with kind as (
    select min(counted) as counted
    from {{ ref('crm_records') }}
),

counted_people as (
    select distinct person_key
    from {{ ref('crm_records') }}
    where state = 'current'
),

people_with_records as (
    select distinct person_key
    from {{ ref('people') }}
    where person_key is not null
),

people_with_leads as (
    select distinct person_key
    from {{ ref('leads') }}
),

paired as (
    select
        coalesce(r.record_key, 'lead:' || l.lead_id) as row_key,
        coalesce(r.person_key, l.person_key) as person_key,
        r.record_key,
        r.feed as record_feed,
        r.id_space,
        r.record_id,
        r.recorded_at,
        r.week_start as week_there,
        r.source as source_there,
        l.lead_id,
        l.opened_at,
        l.week_start as week_here,
        l.source as source_here,
        -- without a partner the comparisons are null and do not hold
        case
            when r.source != l.source then 'other_source'
            when r.week_start > l.week_start then 'late'
            when r.week_start < l.week_start then 'early'
            when r.record_key is not null and l.lead_id is not null then null
            when l.lead_id is null and r.counted = 'inquiries' then 'repeat_inquiry'
            when l.lead_id is null and h.person_key is not null then 'same_person'
            when l.lead_id is null then 'no_inquiry'
            when o.opening_touch_key is not null and (c.person_key is null or k.counted = 'inquiries')
                then 'call_without_record'
            when c.person_key is null and p.person_key is null then 'no_record'
            when c.person_key is null then 'record_not_counted'
            when l.is_set_aside then 'set_aside'
            when l.lead_grain = 'record' then 'each_inquiry'
            else 'reopened'
        end as reason
    from {{ ref('crm_record_leads') }} as m
    left join {{ ref('crm_records') }} as r on m.record_key = r.record_key
    left join {{ ref('leads') }} as l on m.lead_id = l.lead_id
    left join {{ ref('int_inquiries') }} as o on m.lead_id = o.inquiry_key
    left join counted_people as c on l.person_key = c.person_key
    left join people_with_records as p on l.person_key = p.person_key
    left join people_with_leads as h on r.person_key = h.person_key
    cross join kind as k
),

-- A report that says more than the export still holds was made before records were merged or deleted; as many of those
-- as the gap takes, merged ones first, are its reason.
gone as (
    select
        r.record_key as row_key,
        r.person_key,
        r.record_key,
        r.feed as record_feed,
        r.id_space,
        r.record_id,
        r.recorded_at,
        r.week_start as week_there,
        r.source as source_there,
        'since_' || r.state as reason,
        f.theirs - f.records as gap,
        row_number() over (
            partition by r.week_start, r.source order by r.state = 'deleted', r.recorded_at, r.record_key
        ) as place
    from {{ ref('crm_records') }} as r
    inner join {{ ref('crm_figures') }} as f
        on r.week_start = f.week_start and r.source = f.source and f.origin = 'file'
    where r.state != 'current'
)

select
    row_key,
    reason,
    person_key,
    record_feed,
    id_space,
    record_id,
    recorded_at,
    week_there,
    source_there,
    lead_id,
    opened_at,
    week_here,
    source_here,
    {{ as_of() }} as as_of
from paired
where reason is not null
union all
select
    row_key,
    reason,
    person_key,
    record_feed,
    id_space,
    record_id,
    recorded_at,
    week_there,
    source_there,
    null as lead_id,
    null as opened_at,
    null as week_here,
    null as source_here,
    {{ as_of() }}
from gone
where place <= gap
