"""Trivial Airflow DAGs, as many as the environment sets: five operators in a row that do nothing.

They run every 30 minutes, as connectors do: each parse of a scheduled DAG computes its next run.
BENCHMARK_TRIVIAL_ONCE is the number of DAGs that run only once. A task's process makes only its own DAG.
"""

import os
from datetime import UTC, datetime, timedelta

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
    schedule = "@once" if number < once else timedelta(minutes=30)
    with DAG(dag_id=dag_id, schedule=schedule, start_date=begin, catchup=False) as dag:
        before = None
        for name in ("extract", "filter", "map", "validate", "submit"):
            task = NothingOperator(task_id=name)
            if before is not None:
                before >> task
            before = task
    globals()[dag.dag_id] = dag
