"""The pure core: types, rules and counts, without Airflow, HTTP, clock, or files."""
