"""As many trivial Airflow DAGs as the environment asks for: five operators in a row that do nothing."""

import os

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.definitions.context import Context


class NothingOperator(BaseOperator):
    """Does nothing."""

    def execute(self, context: Context) -> None:
        """Return at once."""


for number in range(int(os.environ.get("BENCHMARK_TRIVIAL_DAGS", "1"))):
    with DAG(dag_id=f"trivial_{number}", schedule=None) as dag:
        before = None
        for name in ("extract", "filter", "map", "validate", "submit"):
            task = NothingOperator(task_id=name)
            if before is not None:
                before >> task
            before = task
    globals()[dag.dag_id] = dag
