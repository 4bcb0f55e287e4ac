{#
  The grain of a model: these columns together name one row, and none of them is blank. Returns the combinations that
  name several rows or none.
#}
{% test grain(model, columns) %}
select
    {{ columns | join(',\n    ') }},
    count(*) as rows_found
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
