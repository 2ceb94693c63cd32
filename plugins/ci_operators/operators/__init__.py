"""The five stages as Airflow operators. `stages` has the work that they do."""
