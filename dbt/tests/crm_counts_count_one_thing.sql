-- One comparison counts people or inquiries; a report of both is compared as what most of its lines count.
select counted
from {{ ref('crm_counts') }}
where (select count(distinct c.counted) from {{ ref('crm_counts') }} as c) > 1
group by counted
