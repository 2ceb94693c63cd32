"""Reports wrong entries of connectors.yaml as an import error, while all other connectors load. Has no DAG.

(Airflow keeps one error for each file, and does not schedule the DAGs of a file with an error.)
"""

from ci_operators.dag_factory import raise_problems

raise_problems()
