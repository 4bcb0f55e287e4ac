-- What METRICS.md section 3 promises of the moments of a lead, whatever the data.
select
    lead_id,
    opened_at,
    first_any_at,
    first_response_at,
    first_reply_at,
    first_contact_at,
    observed_until,
    due_at
from {{ ref('leads') }}
where
    first_any_at < opened_at
    or first_response_at < opened_at
    or (first_contact_at is not null and coalesce(first_response_at > first_contact_at, true))
    or (first_reply_at is not null and coalesce(first_any_at >= first_reply_at, true))
    or coalesce(first_response_strict_at < first_response_at, false)
    or observed_until < opened_at
    or due_at < opened_at
    or age_seconds < 0
