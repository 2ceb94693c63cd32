"""What Airflow loads, and what it does not promise."""
