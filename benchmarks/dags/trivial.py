"""As many trivial Airflow DAGs as the environment asks for: five operators in a row that do nothing.

So many as BENCHMARK_TRIVIAL_ONCE says have a schedule: once. In a task's process only the DAG that it wants is made.
"""

import os
from datetime import UTC, datetime

from airflow.sdk import DAG, BaseOperator, get_parsing_context
from airflow.sdk.definitions.context import Context


class NothingOperator(BaseOperator):
    """Does nothing."""

    def execute(self, context: Context) -> None:
        """Return at once."""


once = int(os.environ.get("BENCHMARK_TRIVIAL_ONCE", "0"))
for number in range(int(os.environ.get("BENCHMARK_TRIVIAL_DAGS", "1"))):
    dag_id = f"trivial_once_{number}" if number < once else f"trivial_{number}"
    if (get_parsing_context().dag_id or dag_id) != dag_id:
        continue
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    with DAG(dag_id=dag_id, schedule="@once" if number < once else None, start_date=begin) as dag:
        before = None
        for name in ("extract", "filter", "map", "validate", "submit"):
            task = NothingOperator(task_id=name)
            if before is not None:
                before >> task
            before = task
    globals()[dag.dag_id] = dag
