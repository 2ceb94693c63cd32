"""The connectors' runs, as Airflow's REST API tells them."""

from __future__ import annotations

from typing import Any

from demo.airflow_api import AirflowApi
from demo.settings import CONNECTORS, STAGES, Connector
from demo.tally import Counts, Run, Stage


class RunReader:
    """Reads runs; what a finished run counted is asked for once."""

    def __init__(self, api: AirflowApi) -> None:
        """Read through `api`."""
        self._api = api
        self._finished: dict[tuple[str, str, str], Run] = {}

    def read_all(self) -> tuple[Run, ...]:
        """Returns all runs of all connectors, each connector's oldest first."""
        return tuple(self._read(c, entry) for c in CONNECTORS for entry in self._api.runs(c.dag_id))

    def _read(self, connector: Connector, entry: dict[str, Any]) -> Run:
        # A run that is cleared and done again ends at another time.
        key = (connector.dag_id, entry["dag_run_id"], f"{entry['state']} {entry['end_date']}")
        if key in self._finished:
            return self._finished[key]
        run = Run(
            connector=connector,
            run_id=entry["dag_run_id"],
            run_type=entry["run_type"],
            state=entry["state"],
            stages=self._read_stages(connector.dag_id, entry["dag_run_id"]),
            duration_s=float(entry["duration"] or 0.0),
        )
        if run.is_finished:
            self._finished[key] = run
        return run

    def _read_stages(self, dag_id: str, run_id: str) -> tuple[Stage, ...]:
        tasks = {task["task_id"]: task for task in self._api.tasks(dag_id, run_id)}
        return tuple(self._read_stage(dag_id, run_id, tasks[name]) for name in STAGES if name in tasks)

    def _read_stage(self, dag_id: str, run_id: str, task: dict[str, Any]) -> Stage:
        name, state = task["task_id"], task["state"] or "waiting"
        if state == "failed":
            return Stage(name, state, error=self._api.error_of(dag_id, run_id, name, task["try_number"]))
        manifest = self._api.returned(dag_id, run_id, name) if state in {"success", "skipped"} else None
        return Stage(name, state, Counts.from_manifest(manifest) if manifest is not None else None)
