"""Trivial Airflow DAGs: five operators in a row that do nothing.

BENCHMARK_TRIVIAL_DAGS has their number, or their names. They run every 30 minutes, as connectors do (each parse of a
scheduled DAG computes its next run), but those with names only once, except idle ones. A task's process makes only its
own DAG.
"""

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, BaseOperator, get_parsing_context
from airflow.sdk.definitions.context import Context


class NothingOperator(BaseOperator):
    """Does nothing."""

    def execute(self, context: Context) -> None:
        """Return at once."""


asked = os.environ.get("BENCHMARK_TRIVIAL_DAGS", "1")
for suffix in map(str, range(int(asked))) if asked.isdigit() else asked.split():
    dag_id = f"trivial_{suffix}"
    if (get_parsing_context().dag_id or dag_id) != dag_id:
        continue
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = timedelta(minutes=30) if suffix.isdigit() or suffix.startswith("idle") else "@once"
    with DAG(dag_id=dag_id, schedule=schedule, start_date=begin, catchup=False) as dag:
        before = None
        for name in ("extract", "filter", "map", "validate", "submit"):
            task = NothingOperator(task_id=name)
            if before is not None:
                before >> task
            before = task
    globals()[dag.dag_id] = dag
