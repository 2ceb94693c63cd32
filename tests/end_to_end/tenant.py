"""One connector of the running Airflow, its simulated vendors, and a person's actions on it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from local_airflow.airflow_api import AirflowApi
from simulator import Simulator

Found = TypeVar("Found")
STAGES = ("extract", "filter", "map", "validate", "submit")
FINISHED = ("success", "failed")
#: It is in every event's payload; no log, no XCom and no table may show it.
PAYLOAD_MARK = "PAYLOAD-MARK"
#: A limit for hangs; nothing is expected to take that long.
PATIENCE_S = 150.0


def wait_for(look: Callable[[], Found | None], what: str) -> Found:
    """Return the result of `look`, once it finds something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited without success for {what}"
        time.sleep(0.5)  # an answer costs the API server 50 ms of CPU
    return found


def okta_event(event_id: str, at: datetime, **members: Any) -> dict[str, Any]:
    """Return a threat event."""
    return {
        "uuid": event_id,
        "published": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventType": "security.threat.detected",
        "displayMessage": "Request from suspicious actor",
        "actor": {"displayName": f"198.51.100.{sum(event_id.encode()) % 250 + 1}", "alternateId": PAYLOAD_MARK},
        "outcome": {"reason": "Password Spray", "result": "DENY"},
        **members,
    }


def events(prefix: str, since: datetime, count: int, apart: timedelta) -> list[dict[str, Any]]:
    """Return `count` events from `since` on; their ids are `<prefix>-<number>`."""
    return [okta_event(f"{prefix}-{number}", since + number * apart) for number in range(count)]


def ids(prefix: str, numbers: Iterable[int]) -> Counter[str | None]:
    """Return the multiset of those events, each once."""
    return Counter(f"{prefix}-{number}" for number in numbers)


@dataclass(frozen=True)
class Tenant:
    """A connector with its own vendors, so that no test sees another's events, faults or detections."""

    name: str
    api: AirflowApi
    simulator: Simulator

    @property
    def dag_id(self) -> str:
        """The id of the connector's DAG."""
        return f"collective_insights_{self.name}"

    @property
    def sent(self) -> Counter[str | None]:
        """The multiset of incident ids that Recorded Future stored."""
        return Counter(stored.incident_id for stored in self.simulator.detections)

    def enable(self) -> None:
        """Unpause the DAG, as soon as Airflow has read it."""
        wait_for(lambda: self.api.unpause(self.dag_id), self.dag_id)

    def pause(self) -> None:
        """Pause the DAG: its runs wait."""
        self.api.request("PATCH", f"/dags/{self.dag_id}", json={"is_paused": True})

    def trigger(self, conf: Mapping[str, object], logical_date: datetime | None = None) -> str:
        """Trigger a manual run and return its id."""
        answer = self.try_trigger(conf, logical_date)
        assert answer.ok, answer.text
        run_id: str = answer.json()["dag_run_id"]
        return run_id

    def try_trigger(self, conf: Mapping[str, object], logical_date: datetime | None = None) -> requests.Response:
        """Return the answer to a trigger, accepted or not."""
        body = {"conf": dict(conf), "logical_date": logical_date and logical_date.isoformat()}
        return self.api.request("POST", f"/dags/{self.dag_id}/dagRuns", json=body, allowed=(400, 422))

    def backfill(self, since: datetime, until: datetime, conf: Mapping[str, object]) -> None:
        """Begin a backfill."""
        body = {
            "dag_id": self.dag_id,
            "from_date": since.isoformat(),
            "to_date": until.isoformat(),
            "max_active_runs": 2,
            "dag_run_conf": dict(conf),
        }
        self.api.request("POST", "/backfills", json=body)

    def runs(self, run_type: str) -> list[dict[str, Any]]:
        """Return the DAG's runs of a type, oldest first."""
        return [run for run in self.api.runs(self.dag_id) if run["run_type"] == run_type]

    def finished(self, run_type: str, count: int) -> list[dict[str, Any]]:
        """Wait until there are `count` finished runs of a type, and return the first ones."""

        def look() -> list[dict[str, Any]]:
            done = [run for run in self.runs(run_type) if run["state"] in FINISHED]
            return done[:count] if len(done) >= count else []

        return wait_for(look, f"{count} {run_type} runs of {self.name}")

    def first_scheduled(self) -> str:
        """Wait for the first scheduled run to begin, and return its id."""
        run_id: str = wait_for(lambda: self.runs("scheduled"), f"a run of {self.name}")[0]["dag_run_id"]
        return run_id

    def outcome(self, run_id: str) -> str:
        """Wait until a run is finished, and return its state."""

        def look() -> str:
            state = self.api.get(self.path(run_id))["state"]
            return state if state in FINISHED else ""

        return wait_for(look, f"run {run_id} of {self.name}")

    def states(self, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run."""
        return {task["task_id"]: task["state"] for task in self.api.tasks(self.dag_id, run_id)}

    def task(self, run_id: str, stage: str) -> dict[str, Any]:
        """Return a task instance."""
        found: dict[str, Any] = self.api.get(f"{self.path(run_id)}/taskInstances/{stage}")
        return found

    def wait_for_state(self, run_id: str, stage: str, state: str) -> dict[str, Any]:
        """Wait until a task is in a state, and return it."""

        def look() -> dict[str, Any] | None:
            task = self.task(run_id, stage)
            return task if task["state"] == state else None

        return wait_for(look, f"{stage} of {self.name} to be {state}")

    def manifest(self, run_id: str, stage: str) -> dict[str, Any]:
        """Return what a task left as its XCom."""
        manifest = self.api.returned(self.dag_id, run_id, stage)
        assert manifest is not None, f"{stage} of {run_id} left no manifest"
        return manifest

    def log(self, run_id: str, stage: str, attempt: int = 1) -> str:
        """Return a task's log as the UI shows it."""
        path = f"{self.path(run_id)}/taskInstances/{stage}/logs/{attempt}"
        text: str = self.api.request("GET", path, headers={"Accept": "application/json"}).text
        return text

    def clear(self, run_id: str, stage: str) -> None:
        """Clear a task and its downstream tasks, as a person does instead of waiting for the retry."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [stage], "include_downstream": True}
        body |= {"only_failed": False, "reset_dag_runs": True}
        self.api.request("POST", f"/dags/{self.dag_id}/clearTaskInstances", json=body)

    def path(self, run_id: str) -> str:
        """Return the path of a run below `/api/v2`."""
        return f"/dags/{self.dag_id}/dagRuns/{quote(run_id, safe='')}"
