{#
  A join neither multiplied nor lost rows: the model has as many as what it was made from. It is not a test of which
  rows; the grain of the model is, together with this.
#}
{% test same_row_count(model, compare_to) %}
select
    rows_here,
    rows_there
from (
    select
        (select count(*) from {{ model }}) as rows_here,
        (select count(*) from {{ compare_to }}) as rows_there
) as counted
where rows_here != rows_there
{% endtest %}
