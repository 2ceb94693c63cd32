"""The five stages as functions: records in, records out, counts. No Airflow."""
