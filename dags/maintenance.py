"""# Maintenance

Deletes the staged files of old runs, which contain personal data, and old rows of the ledger. `retention:` in
connectors.yaml says how long data is kept. Unlike the DAGs of connectors, this DAG starts unpaused.
"""

from ci_operators.dag_factory import build_maintenance_dag

# Airflow's DAG processor skips files without the words airflow and dag.
dag = build_maintenance_dag(doc_md=__doc__)
