"""The pages in Airflow's UI: the health of the connectors, the outcome of a run, why an event did not arrive."""
