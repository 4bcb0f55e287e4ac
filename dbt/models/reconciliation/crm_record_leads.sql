{#- From the closest fit to the loosest: what is paired earlier is out of the later rounds. -#}
{%- set rounds = [['week_start', 'source'], ['week_start'], ['source'], []] -%}
-- One row per record of the CRM and lead of ours, paired where they are one person's: same week and source first, then
-- same week, same source, any; the oldest first, set-aside leads last. So no pair differs that need not. A record or a
-- lead without a partner has a row of its own. An inquiry's partner is the lead that it opened.
with records_0 as (
    select
        record_key,
        counted,
        person_key,
        week_start,
        source,
        recorded_at,
        opened_lead_id
    from {{ ref('crm_records') }}
    where state = 'current'
),

leads_0 as (
    select
        lead_id,
        person_key,
        week_start,
        source,
        is_set_aside,
        opened_at
    from {{ ref('leads') }}
),

pairs_opened as (
    select
        r.record_key,
        l.lead_id
    from records_0 as r
    inner join leads_0 as l on r.opened_lead_id = l.lead_id
),

{% for alike in rounds %}
{%- set now, next = loop.index0, loop.index -%}
{%- set keys = ['person_key'] + alike %}
record_places_{{ now }} as (
    select
        record_key,
        {{ keys | join(', ') }},
        row_number() over (partition by {{ keys | join(', ') }} order by recorded_at, record_key) as place
    from records_{{ now }}
    where counted = 'people'
),

lead_places_{{ now }} as (
    select
        lead_id,
        {{ keys | join(', ') }},
        row_number() over (partition by {{ keys | join(', ') }} order by is_set_aside, opened_at, lead_id) as place
    from leads_{{ now }}
),

pairs_{{ now }} as (
    select
        r.record_key,
        l.lead_id
    from record_places_{{ now }} as r
    inner join lead_places_{{ now }} as l
        on
            r.place = l.place
            {%- for key in keys %}
            and r.{{ key }} = l.{{ key }}
            {%- endfor %}
),

{% if not loop.last %}
records_{{ next }} as (
    select
        r.record_key,
        r.counted,
        r.person_key,
        r.week_start,
        r.source,
        r.recorded_at
    from records_{{ now }} as r
    where r.record_key not in (select p.record_key from pairs_{{ now }} as p)
),

leads_{{ next }} as (
    select
        l.lead_id,
        l.person_key,
        l.week_start,
        l.source,
        l.is_set_aside,
        l.opened_at
    from leads_{{ now }} as l
    where l.lead_id not in (select p.lead_id from pairs_{{ now }} as p)
),
{% endif %}
{% endfor %}

pairs as (
    select
        record_key,
        lead_id
    from pairs_opened
    {%- for alike in rounds %}
    union all
    select
        record_key,
        lead_id
    from pairs_{{ loop.index0 }}
    {%- endfor %}
)

select
    r.record_key,
    p.lead_id
from records_0 as r
left join pairs as p on r.record_key = p.record_key
union all
select
    null as record_key,
    l.lead_id
from leads_0 as l
left join pairs as p on l.lead_id = p.lead_id
where p.lead_id is null
