-- Words that several suites share.

-- How far apart two shares are, in standard errors; 0 where there is nothing to compare.
create or replace temp macro standard_errors(hits, n, hits_before, n_before) as coalesce(
    (hits / nullif(n, 0) - hits_before / nullif(n_before, 0)) / nullif(
        sqrt(
            ((hits + hits_before) / nullif(n + n_before, 0))
            * (1 - (hits + hits_before) / nullif(n + n_before, 0))
            * (1 / nullif(n, 0) + 1 / nullif(n_before, 0))
        ),
        0
    ),
    0
);

-- Whether an instant is midnight to the second: here, in the source's own zone, or in UTC.
create or replace temp macro is_midnight(moment, zone, own_zone) as (
    cast(moment at time zone zone as time) = time '00:00:00'
    or cast(moment at time zone own_zone as time) = time '00:00:00'
    or cast(moment at time zone 'UTC' as time) = time '00:00:00'
);

create or replace temp macro day_in_words(day) as strftime(day, '%a %Y-%m-%d');
