-- Incremental facts keep the fingerprint of the person they were computed from. Not a test that the facts are right:
-- that half of the rows followed by the rest gives what all at once gives is tested in tests/dbt.
{%- set facts = ['int_leads', 'int_lead_touches', 'int_lead_speed', 'int_lead_sla'] %}
{%- for fact in facts %}
select
    '{{ fact }}' as fact,
    f.lead_id
from {{ ref(fact) }} as f
left join {{ ref('int_person_versions') }} as v on f.person_key = v.person_key and f.fingerprint = v.fingerprint
where v.person_key is null
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
