-- One row: the moment every figure of this build is true at. The only place that reads it from outside, so that a new
-- as_of makes dbt parse one file again and not the project.
select cast('{{ env_var("LEADHOUSE_AS_OF", "2000-01-01T00:00:00Z") }}' as timestamptz) as as_of
