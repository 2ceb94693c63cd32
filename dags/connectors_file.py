"""Makes no DAG: reports wrong entries of connectors.yaml as an import error, while all other connectors load.

(Airflow keeps one error for each file, and schedules no DAG of a file that has one.)
"""

from ci_operators.dag_factory import raise_problems

raise_problems()
