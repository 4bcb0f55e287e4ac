-- `(all)` is the sum of all other rows of its period and view; the weighted pending commission, a product, to a cent.
{%- set exact = ['cost', 'cost_media', 'cost_fees', 'leads_eligible', 'appointments_set', 'appointments_held',
    'contracts', 'closes', 'gci', 'splits_missing', 'splits_assumed'] %}
with others as (
    select
        period,
        period_start,
        view,
        {%- for column in exact + ['pending_gci_weighted'] %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        case when count(*) = count(company_dollar) then sum(company_dollar) end as company_dollar
    from {{ ref('source_economics') }}
    where source != '(all)'
    group by period, period_start, view
)

select
    o.period,
    o.period_start,
    o.view
from others as o
left join {{ ref('source_economics') }} as a
    on o.period = a.period and o.period_start = a.period_start and o.view = a.view and a.source = '(all)'
where
    a.source is null
    or a.company_dollar is distinct from o.company_dollar
    or abs(a.pending_gci_weighted - o.pending_gci_weighted) > 0.01
    {%- for column in exact %}
    or a.{{ column }} != o.{{ column }}
    {%- endfor %}
