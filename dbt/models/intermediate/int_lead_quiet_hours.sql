-- One row per lead with a due time: does it fall where the person may not be called or texted, and what is allowed
-- then. The person's zone and state decide where they are known and real; else the brokerage's zone and the default
-- rule. Each is taken from the first record that has it: one record may know the zone and another the state.
with places as (
    select
        n.person_key,
        min_by(z.zone, row(p.id_space, p.person_id)) as zone,
        min_by(upper(trim(p.state)), row(p.id_space, p.person_id)) as state
    from {{ ref('stg_people') }} as p
    inner join {{ ref('int_person_nodes') }} as n on p.id_space || ':' || p.person_id = n.node
    left join {{ known_time_zones() }} as z on p.timezone = z.zone
    group by n.person_key
),

due as (
    select
        l.lead_id,
        s.due_at,
        coalesce(p.zone, '{{ var("timezone") }}') as zone,
        p.state
    from {{ ref('int_leads') }} as l
    inner join {{ ref('int_lead_sla') }} as s on l.lead_id = s.lead_id
    left join places as p on l.person_key = p.person_key
    where s.due_at is not null
),

ruled as (
    select
        d.lead_id,
        cast({{ to_local('d.due_at', 'd.zone') }} as time) as due_clock,
        cast(q.starts as time) as starts,
        cast(q.ends as time) as ends,
        q.ends as ends_text,
        q.channels,
        row_number() over (partition by d.lead_id order by q.state is null, q.starts) as place
    from due as d
    inner join {{ ref('quiet_hours') }} as q on q.state is null or d.state = q.state
),

judged as (
    select
        *,
        case
            when starts > ends then due_clock >= starts or due_clock < ends
            else due_clock >= starts and due_clock < ends
        end as is_quiet
    from ruled
    where place = 1
)

select
    lead_id,
    is_quiet as due_in_quiet_hours,
    case
        when is_quiet then
            'no ' || replace(channels, ';', ' or ') || ' before ' || ends_text
            || case when channels like '%email%' then '' else '; email is allowed' end
    end as quiet_hours_allowed
from judged
