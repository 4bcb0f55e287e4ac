{#
  The pieces of a `;`-separated cell of emails or phones, normalised: columns row_key, id_space, kind, place, value.
  A piece that ingest found invalid or a placeholder has no row in stg_identifiers and names nobody.
#}
{% macro identifier_pieces(relation, row_key) -%}
  {%- for kind in ['email', 'phone'] %}
    select
        named.{{ row_key }} as row_key,
        named.id_space,
        '{{ kind }}' as kind,
        p.place,
        i.normalised as value
    from {{ relation }} as named,
        {{ split_with_position('named.' ~ kind, ';') }} as p (place, piece)
    inner join {{ ref('stg_identifiers') }} as i
        on i.kind = '{{ kind }}' and p.piece = i.raw_text
    {%- if not loop.last %}
    union all
    {%- endif %}
  {%- endfor %}
{%- endmacro %}
