{#
  The lead a row belongs to: the person's last lead opened at or before its moment. Columns row_key, lead_id.
  `moment` is an expression over the relation under the alias e.
#}
{% macro lead_at(relation, entity, row_key, moment) -%}
  select
      row_key,
      lead_id
  from (
      select
          p.row_key,
          l.lead_id,
          row_number() over (
              partition by p.row_key order by l.opened_at desc, l.inquiry_id desc, l.id_space desc
          ) as place
      from {{ relation }} as e
      inner join {{ ref('int_row_people') }} as p on p.entity = '{{ entity }}' and e.{{ row_key }} = p.row_key
      inner join {{ ref('int_leads') }} as l
          on p.person_key = l.person_key and l.set_aside_reason is null and l.opened_at <= {{ moment }}
  ) as ranked
  where place = 1
{%- endmacro %}
