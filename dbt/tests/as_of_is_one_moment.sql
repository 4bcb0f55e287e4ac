-- Every model reads the moment by a scalar subquery: no row would empty all figures, two would stop the build.
select count(*) as moments
from {{ ref('as_of') }}
having count(*) != 1 or count(as_of) != 1
