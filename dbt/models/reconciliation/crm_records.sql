-- One row per record that a report of the CRM counts, or counted once: in which week, and under which source.
-- Records are people; they are inquiries where the report counts those, or where no record of a person is dated.
with dated_people as (
    select count(created_at) as people
    from {{ ref('people') }}
),

reported as (
    select
        count(*) as report_lines,
        count(case when counted = 'inquiries' then 1 end) as inquiry_lines
    from {{ ref('crm_counts') }}
),

kinds as (
    select case when d.people = 0 or 2 * r.inquiry_lines > r.report_lines then 'inquiries' else 'people' end as counted
    from dated_people as d
    cross join reported as r
),

-- A feed that never says the present source leaves it to the person's first inquiry, as the CRM's own report would.
naming_feeds as (
    select distinct feed
    from {{ ref('people') }}
    where source_now is not null
),

first_inquiries as (
    select
        person_key,
        min_by(source, row(opened_at, inquiry_id, id_space)) as source
    from {{ ref('inquiries') }}
    where not is_deleted
    group by person_key
),

people as (
    select
        'people:' || p.id_space || ':' || p.person_id as record_key,
        'people' as counted,
        p.feed,
        p.id_space,
        p.person_id as record_id,
        p.person_key,
        p.created_at as recorded_at,
        coalesce(p.source_now, case when n.feed is null then f.source end, '(no source)') as source,
        case
            when p.merged_into is not null then 'merged'
            when p.deleted_at is not null then 'deleted'
            else 'current'
        end as state,
        cast(null as varchar) as opened_lead_id
    from {{ ref('people') }} as p
    left join naming_feeds as n on p.feed = n.feed
    left join first_inquiries as f on p.person_key = f.person_key
    where p.created_at is not null
),

inquiries as (
    select
        'inquiry:' || i.inquiry_key as record_key,
        'inquiries' as counted,
        i.feed,
        i.id_space,
        i.inquiry_id as record_id,
        i.person_key,
        coalesce(i.received_at, i.event_at) as recorded_at,
        i.source,
        case when i.is_deleted then 'deleted' else 'current' end as state,
        case when i.lead_id = i.inquiry_key then i.lead_id end as opened_lead_id
    from {{ ref('inquiries') }} as i
    inner join {{ ref('int_inquiries') }} as o on i.inquiry_key = o.inquiry_key
    -- a call that opened a lead here is no record there
    where o.opening_touch_key is null
),

records as (
    select
        record_key,
        counted,
        feed,
        id_space,
        record_id,
        person_key,
        recorded_at,
        source,
        state,
        opened_lead_id
    from people
    union all
    select
        record_key,
        counted,
        feed,
        id_space,
        record_id,
        person_key,
        recorded_at,
        source,
        state,
        opened_lead_id
    from inquiries
)

select
    r.record_key,
    r.counted,
    r.feed,
    r.id_space,
    r.record_id,
    r.person_key,
    r.recorded_at,
    {{ week_start(to_local('r.recorded_at')) }} as week_start,
    r.source,
    r.state,
    r.opened_lead_id
from records as r
inner join kinds as k on r.counted = k.counted
