-- One row per configured source. Called a feed from here on: `source` is where a lead came from.
select
    source as feed,
    position as feed_position,
    id_space,
    timezone,
    lead_grain,
    calls_open_leads,
    covers_from
from {{ source('raw', 'sources') }}
