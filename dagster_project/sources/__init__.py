"""One module a kind of source: reads, maps, converts. Knows nothing of Dagster or dbt."""
