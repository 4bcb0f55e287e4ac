{{ config(schema='marts') }}
-- One row per chain that can be judged: its scheduled end is at least 24 h before as_of. By what it is sliced, and its
-- part in every figure of appointments: true = in the numerator, false = only in the denominator, null = in neither.
select
    chain_id,
    lead_id,
    week_start,
    source,
    category,
    agent,
    ends_at,
    seconds_since_end as age_seconds,
    {%- for metric in appointment_rates() %}
    case when {{ metric.denominator }} then {{ metric.numerator }} end as {{ metric.id }},
    {%- endfor %}
    is_cancelled_by_us,
    as_of
from {{ ref('appointment_chains') }}
where seconds_since_end >= 86400
