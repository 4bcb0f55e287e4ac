-- One row per record that says who somebody is: every people row and every inquiry.
-- `node` is the person as the record names it: its person_id, or, without one, the inquiry itself.
with people as (
    select
        'people:' || id_space || ':' || person_id as record_key,
        id_space || ':' || person_id as node,
        id_space,
        person_id,
        name,
        email,
        phone
    from {{ ref('stg_people') }}
    where deleted_at is null or merged_into is not null
),

inquiries as (
    select
        'inquiry:' || i.inquiry_key as record_key,
        coalesce(i.id_space || ':' || i.person_id, 'inquiry:' || i.inquiry_key) as node,
        i.id_space,
        i.person_id,
        i.name,
        i.email,
        i.phone
    from {{ ref('stg_inquiries') }} as i
    where not exists (
        select 1 from {{ ref('int_deleted_people') }} as d
        where d.id_space = i.id_space and d.person_id = i.person_id
    )
)

select
    record_key,
    node,
    id_space,
    person_id,
    name,
    email,
    phone
from people
union all
select
    record_key,
    node,
    id_space,
    person_id,
    name,
    email,
    phone
from inquiries
