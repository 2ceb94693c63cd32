"""The five stages as Airflow operators: when, with which context. What they do stands in `stages`."""
