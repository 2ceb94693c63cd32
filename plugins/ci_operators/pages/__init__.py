"""The pages in Airflow's UI: what became of a run, how the connectors stand, why an event did not arrive."""
