"""The pure part: words, rules and counts. No Airflow, no HTTP, no clock, no files."""
