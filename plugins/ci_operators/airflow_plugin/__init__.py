"""The plugin and provider that Airflow loads, and our uses of Airflow that are not public."""
