"""# Maintenance

Deletes the staged files of old runs (they hold personal data), and forgets what the ledger no longer needs.
How long things are kept stands in `retention:` of connectors.yaml. It runs as soon as Airflow has read it: unlike a
connector's DAG it need not be unpaused.
"""

from ci_operators.dag_factory import build_maintenance_dag

# Airflow's parser skips files without the words airflow and dag.
dag = build_maintenance_dag(doc_md=__doc__)
