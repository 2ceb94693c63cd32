"""The link from a task to its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

TASK_ROUTE = "collective-insights-task"


class PageLink(BaseOperatorLink):
    """Leads from a stage's task to what became of its records.

    Made by the API server, not by the task: it is there while the task runs, and when it has failed.
    """

    name = "What became of the events"

    @property
    def operators(self) -> list[type[BaseOperator]]:  # type: ignore[override]  # Airflow has a list, and reads it
        """Return the stages. The API server asks for them; all other processes load the plugin, and need not wait."""
        from ci_operators.operators.extract import ExtractOperator
        from ci_operators.operators.filter import FilterOperator
        from ci_operators.operators.map import MapOperator
        from ci_operators.operators.submit import SubmitOperator
        from ci_operators.operators.validate import ValidateOperator

        return [ExtractOperator, FilterOperator, MapOperator, ValidateOperator, SubmitOperator]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the task's page."""
        del operator
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        run_id = quote(ti_key.run_id, safe=":+")  # as in Airflow's own links, whose tabs compare the letters
        return f"{base}/dags/{ti_key.dag_id}/runs/{run_id}/tasks/{ti_key.task_id}/plugin/{TASK_ROUTE}"
