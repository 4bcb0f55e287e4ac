-- One row per source and entity with at least 100 rows in the last 7 whole days and 300 in the 8 weeks before: by how
-- many hours the recent rows lie beside where they used to lie.
--
-- Each shift is a wager: how much more likely are the recent rows under the old profile shifted by it than under the old
-- profile as it is (log of the ratio, over the source's own dispersion). Where nothing has changed the chance that any
-- of the 23 shifts wins by more than 12 is below 23 exp(-12). Small drifts of habit win little a row: 0.01 is asked too.
create or replace temp table hours as
with shares as (
    select
        a.source,
        a.entity,
        hour(a.local_at) as hour,
        count(*) filter (where a.day >= s.today - 7) as rows,
        count(*) filter (where a.day < s.today - 7) as rows_before
    from arrived as a
    cross join settings as s
    where a.day < s.today and a.day >= s.today - 63
    group by a.source, a.entity, hour(a.local_at)
),

totals as (
    select
        source,
        entity,
        sum(rows) as rows,
        sum(rows_before) as rows_before
    from shares
    group by source, entity
    having sum(rows) >= 100 and sum(rows_before) >= 300
),

profile as (
    select
        t.source,
        t.entity,
        h.hour,
        coalesce(s.rows, 0) as rows,
        (coalesce(s.rows_before, 0) + 0.5) / (t.rows_before + 12) as share
    from totals as t
    cross join (select unnest(range(24)) as hour) as h
    left join shares as s on t.source = s.source and t.entity = s.entity and h.hour = s.hour
),

dispersion as (
    select
        source,
        entity,
        pow(max(spread), 2) as dispersion
    from usual
    group by source, entity
),

wagers as (
    select
        p.source,
        p.entity,
        k.shift,
        sum(p.rows * ln(q.share / p.share)) as gain
    from profile as p
    cross join (select unnest(range(1, 24)) as shift) as k
    inner join profile as q
        on p.source = q.source and p.entity = q.entity and q.hour = (p.hour - k.shift + 24) % 24
    group by p.source, p.entity, k.shift
),

best as (
    select
        source,
        entity,
        max_by(shift, gain) as shift,
        max(gain) as gain
    from wagers
    group by source, entity
)

select
    b.source,
    b.entity,
    t.rows,
    case
        when b.gain / coalesce(d.dispersion, 1) > 12 and b.gain / t.rows > 0.01
            then case when b.shift > 12 then b.shift - 24 else b.shift end
        else 0
    end as shift,
    b.gain / coalesce(d.dispersion, 1) as gain
from best as b
inner join totals as t on b.source = t.source and b.entity = t.entity
left join dispersion as d on b.source = d.source and b.entity = d.entity
order by b.entity, b.source;
