{{ config(schema='marts') }}
-- One row per person who has held an appointment: the first one, by what it is sliced, and the person's part in every
-- rate of people: true = in the numerator, false = only in the denominator, null = in neither. Empty while no source
-- delivers deals: without them nobody can be said not to have signed.
with held as (
    select
        person_key,
        chain_id,
        lead_id,
        starts_at,
        row_number() over (partition by person_key order by starts_at, appointment_id, id_space) as place
    from {{ ref('int_appointment_chains') }}
    where is_held and person_key is not null
),

firsts as (
    select
        person_key,
        chain_id,
        lead_id,
        starts_at,
        {{ as_of() }} as as_of
    from held
    where place = 1 and exists (select 1 from {{ ref('stg_deals') }})
),

-- A date that is not there is no event: a closing implies no contract.
events as (
    select
        f.person_key,
        min(case when d.agreement_at >= f.starts_at then d.agreement_at end) as agreement_at,
        min(case when d.contract_at >= f.starts_at then d.contract_at end) as contract_at
    from firsts as f
    inner join {{ ref('deals') }} as d on f.person_key = d.person_key
    group by f.person_key
),

people as (
    select
        f.person_key,
        f.chain_id,
        f.lead_id,
        {%- for slice in lead_slices() %}
        {{ slice_of_lead(slice, 'l') }} as {{ slice }},
        {%- endfor %}
        {{ week_start(to_local('f.starts_at')) }} as week_start,
        f.starts_at,
        e.agreement_at,
        e.contract_at,
        {{ seconds_between('f.starts_at', 'f.as_of') }} as age_seconds,
        {{ seconds_between('f.starts_at', 'e.agreement_at') }} as agreement_seconds,
        {{ seconds_between('f.starts_at', 'e.contract_at') }} as contract_seconds,
        f.as_of
    from firsts as f
    left join events as e on f.person_key = e.person_key
    left join {{ ref('leads') }} as l on f.lead_id = l.lead_id
)

select
    person_key,
    chain_id,
    lead_id,
    week_start,
    {%- for slice in lead_slices() %}
    {{ slice }},
    {%- endfor %}
    starts_at,
    agreement_at,
    contract_at,
    age_seconds,
    {%- for metric in person_rates() %}
    case when {{ metric.denominator }} then coalesce({{ metric.numerator }}, false) end as {{ metric.id }},
    {%- endfor %}
    as_of
from people
