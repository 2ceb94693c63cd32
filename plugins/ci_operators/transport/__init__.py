"""HTTP: base URLs, pacing, retries, paging. The session, the clock and the pause are given; no Airflow."""
