-- A metric that is defined and shows nothing is a page with a hole. What a metric is made of may be missing: then it
-- has no rows by definition. A new metric of another base: a line here.
with inquiries as (
    select inquiry_key
    from {{ ref('inquiries') }}
    where not is_deleted
)

select d.metric_id
from {{ ref('metric_definitions') }} as d
where
    not exists (
        select 1 from {{ ref('metric_weekly') }} as w
        where w.metric_id = d.metric_id
    )
    and case d.metric_id
        when 'spend' then exists (select 1 from {{ ref('spend') }})
        when 'inquiries' then exists (select 1 from inquiries)
        when 'integration_lag_seconds_median' then exists (select 1 from inquiries)
        when 'held_rate' then exists (select 1 from {{ ref('metric_appointments') }})
        when 'held_rate_low' then exists (select 1 from {{ ref('metric_appointments') }})
        when 'held_rate_high' then exists (select 1 from {{ ref('metric_appointments') }})
        when 'outcome_coverage' then exists (select 1 from {{ ref('metric_appointments') }})
        when 'appointments_cancelled_by_us' then exists (select 1 from {{ ref('metric_appointments') }})
        when 'agreement_rate_30d' then exists (select 1 from {{ ref('metric_people') }})
        when 'contract_rate_180d' then exists (select 1 from {{ ref('metric_people') }})
        else exists (select 1 from {{ ref('leads') }})
    end
