"""Retention is on without being unpaused."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import Installation
from tests.end_to_end.tenant import wait_for

pytestmark = pytest.mark.airflow

DAG_ID = "collective_insights_maintenance"


def test_maintenance_runs_by_itself_and_is_green(installation: Installation) -> None:
    api = installation.address.api()
    (run,) = wait_for(lambda: [run for run in api.runs(DAG_ID) if run["state"] in ("success", "failed")], DAG_ID)
    assert (run["run_type"], run["state"]) == ("scheduled", "success")
    assert not api.get(f"/dags/{DAG_ID}")["is_paused"]
    assert {task["task_id"]: task["state"] for task in api.tasks(DAG_ID, run["dag_run_id"])} == {
        "delete_artifacts": "success",
        "compact_ledger": "success",
    }
