{#
  Incremental facts, one person at a time. Each fact keeps the fingerprint of the person it was computed from, so a
  model knows by itself whom to compute again: nothing is remembered outside it, and a killed build mends itself.
#}
{% macro forget_changed_people() -%}
  {%- if is_incremental() -%}
  delete from {{ this }} as f
  where not exists (
      select 1 from {{ ref('int_person_versions') }} as v
      where v.person_key = f.person_key and v.fingerprint = f.fingerprint
  )
  {%- endif -%}
{%- endmacro %}

{# The people to compute: (person_key, fingerprint). The hook above has already removed their old rows. #}
{% macro changed_people() -%}
  select
      v.person_key,
      v.fingerprint
  from {{ ref('int_person_versions') }} as v
  {%- if is_incremental() %}
  where not exists (
      select 1 from {{ this }} as f
      where f.person_key = v.person_key
  )
  {%- endif %}
{%- endmacro %}
