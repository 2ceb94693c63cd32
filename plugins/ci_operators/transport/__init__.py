"""HTTP: base URLs, pacing, retries, paging. Session, clock, and sleep are arguments; there is no Airflow here."""
