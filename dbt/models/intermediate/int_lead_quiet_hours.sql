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

rules as (
    select
        nullif(upper(trim(state)), '') as state,
        cast(starts as time) as starts,
        cast(ends as time) as ends,
        ends as ends_text,
        channels
    from {{ ref('quiet_hours') }}
),

-- All rows of the state that has any; else the general ones.
ruled as (
    select
        d.lead_id,
        cast({{ to_local('d.due_at', 'd.zone') }} as time) as due_clock,
        q.starts,
        q.ends,
        q.ends_text,
        q.channels,
        rank() over (partition by d.lead_id order by q.state is null) as place
    from due as d
    inner join rules as q on q.state is null or d.state = q.state
),

quiet as (
    select
        lead_id,
        ends_text,
        channels,
        ends <= due_clock as ends_tomorrow
    from ruled
    where
        place = 1
        and case
            when starts > ends then due_clock >= starts or due_clock < ends
            else due_clock >= starts and due_clock < ends
        end
),

-- A channel that several rows close is closed until the last of them ends.
closed as (
    select
        q.lead_id,
        lower(c.channel) as channel,
        min(c.place) as place,
        max(row(q.ends_tomorrow, q.ends_text)) as until
    from quiet as q, {{ split_with_position('q.channels', ';') }} as c (place, channel)
    group by q.lead_id, lower(c.channel)
),

sentences as (
    select
        lead_id,
        until,
        'no ' || string_agg(channel, ' or ' order by place, channel) || ' before '
        || any_value(until[2]) as not_allowed
    from closed
    group by lead_id, until
),

forbidden as (
    select
        lead_id,
        string_agg(not_allowed, '; ' order by until) as not_allowed
    from sentences
    group by lead_id
),

allowed as (
    select
        f.lead_id,
        string_agg(o.channel, ' or ' order by o.place) as allowed
    from forbidden as f
    cross join (values (1, 'call'), (2, 'sms'), (3, 'email')) as o (place, channel)
    left join closed as c on f.lead_id = c.lead_id and o.channel = c.channel
    where c.lead_id is null
    group by f.lead_id
)

select
    d.lead_id,
    f.lead_id is not null as due_in_quiet_hours,
    f.not_allowed || coalesce('; ' || a.allowed || ' is allowed', '') as quiet_hours_allowed
from due as d
left join forbidden as f on d.lead_id = f.lead_id
left join allowed as a on d.lead_id = a.lead_id
