-- One row per source, entity and whole local day from the day after its first row: how many rows came.
create or replace temp table daily as
with spans as (
    select
        a.source,
        a.entity,
        min(a.day) + 1 as first_day,
        max(s.today) - 1 as last_day
    from arrived as a
    cross join settings as s
    group by a.source, a.entity
),

days as (
    select
        source,
        entity,
        unnest(range(first_day, last_day + 1, interval 1 day))::date as day
    from spans
),

counts as (
    select
        source,
        entity,
        day,
        count(*) as rows
    from arrived
    group by source, entity, day
)

select
    d.source,
    d.entity,
    d.day,
    coalesce(c.rows, 0) as rows,
    h.day is not null as is_holiday
from days as d
left join counts as c on d.source = c.source and d.entity = c.entity and d.day = c.day
left join (select distinct day from holidays) as h on d.day = h.day;

-- One row per source, entity and day of the last 28, holidays left out: its rows beside those of the same weekday of
-- the 8 weeks before, of which there must be 4.
--
-- On the scale r(x) = 2 sqrt(x + 3/8) a count varies by 1 whatever its size (Anscombe), more where days come in
-- bursts: `spread` is the median distance of the 56 days before from their weekday's median, at least 1. A day is far
-- from usual where it is more than 5 spreads below or 6 above the median AND under half or over double of it (above more,
-- as bursts are upward). Spreads are widened for the median's own error, sqrt(1 + 1.57 / weeks).
create or replace temp table usual as
with judged as (
    select
        d.source,
        d.entity,
        d.day,
        d.rows
    from daily as d
    cross join settings as s
    where d.day >= s.today - 28 and not d.is_holiday
),

history as (
    select
        j.source,
        j.entity,
        j.day,
        isodow(h.day) = isodow(j.day) as is_same_weekday,
        h.rows,
        2 * sqrt(h.rows + 0.375) - 2 * sqrt(median(h.rows) over (
            partition by j.source, j.entity, j.day, isodow(h.day)
        ) + 0.375) as distance
    from judged as j
    inner join daily as h
        on j.source = h.source and j.entity = h.entity and h.day between j.day - 56 and j.day - 1
    where not h.is_holiday
),

known as (
    select
        source,
        entity,
        day,
        count(*) filter (where is_same_weekday) as weeks,
        median(rows) filter (where is_same_weekday) as expected,
        min(rows) filter (where is_same_weekday) as usual_from,
        max(rows) filter (where is_same_weekday) as usual_to,
        greatest(1, 1.6 * median(abs(distance))) as spread
    from history
    group by source, entity, day
    having weeks >= 4
)

select
    j.source,
    j.entity,
    j.day,
    j.rows,
    k.weeks,
    k.expected,
    k.usual_from,
    k.usual_to,
    k.spread,
    least(k.expected / 2, pow(greatest(0, sqrt(k.expected + 0.375) - 2.5 * k.spread * sqrt(1 + 1.57 / k.weeks)), 2) - 0.375)
        as low,
    greatest(k.expected * 2, pow(sqrt(k.expected + 0.375) + 3 * k.spread * sqrt(1 + 1.57 / k.weeks), 2) - 0.375)
        as high,
    j.rows = 0 and low > 0 as is_gap
from judged as j
inner join known as k on j.source = k.source and j.entity = k.entity and j.day = k.day;

-- One row per source and entity: the last 7 whole days together, less holidays and days known to be missing, beside the
-- same days of the weeks before. The same formula; it finds what single days of a small source cannot show.
create or replace temp table usual_week as
with days as (
    select
        u.source,
        u.entity,
        u.day,
        u.rows,
        u.expected,
        u.spread
    from usual as u
    cross join settings as s
    where u.day >= s.today - 7 and not u.is_gap
),

total as (
    select
        source,
        entity,
        min(day) as from_day,
        max(day) as to_day,
        sum(rows) as rows,
        sum(expected) as expected,
        median(spread) as spread
    from days
    group by source, entity
),

weeks as (
    select
        d.source,
        d.entity,
        (d.day - h.day) // 7 as weeks_ago,
        count(*) as days,
        sum(case when h.is_holiday then d.expected else h.rows end) as rows
    from days as d
    inner join daily as h
        on d.source = h.source and d.entity = h.entity and h.day between d.day - 56 and d.day - 7
    where (d.day - h.day) % 7 = 0
    group by d.source, d.entity, weeks_ago
),

known as (
    select
        w.source,
        w.entity,
        count(*) as weeks,
        min(w.rows) as usual_from,
        max(w.rows) as usual_to,
        greatest(max(t.spread), 1.5 * median(abs(2 * sqrt(w.rows + 0.375) - 2 * sqrt(t.expected + 0.375)))) as spread
    from weeks as w
    inner join total as t on w.source = t.source and w.entity = t.entity
    group by w.source, w.entity
    having count(*) >= 4
)

select
    t.source,
    t.entity,
    t.from_day,
    t.to_day,
    t.rows,
    k.usual_from,
    k.usual_to,
    least(t.expected / 2, pow(greatest(0, sqrt(t.expected + 0.375) - 2.5 * k.spread * sqrt(1 + 1.57 / k.weeks)), 2) - 0.375)
        as low,
    greatest(t.expected * 2, pow(sqrt(t.expected + 0.375) + 3 * k.spread * sqrt(1 + 1.57 / k.weeks), 2) - 0.375)
        as high
from total as t
inner join known as k on t.source = k.source and t.entity = k.entity;

-- One row per source, entity and window that is judged: the last 3 whole days, the last 7 together, and the days of the
-- last 28 without any row (`is_gap`, no count to judge).
create or replace temp table volume as
select
    u.source,
    u.entity,
    'on ' || day_in_words(u.day) as window,
    u.day as from_day,
    u.day as to_day,
    case when not u.is_gap then u.rows end as rows,
    u.usual_from,
    u.usual_to,
    u.low,
    u.high,
    u.is_gap
from usual as u
cross join settings as s
where u.is_gap or u.day >= s.today - 3
union all
select
    source,
    entity,
    'in the week to ' || day_in_words(to_day),
    from_day,
    to_day,
    rows,
    usual_from,
    usual_to,
    low,
    high,
    false
from usual_week
order by entity, source, from_day, to_day;
