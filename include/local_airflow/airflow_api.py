"""A client for the requests to Airflow's REST API that the launcher and the tests need."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import requests

from local_airflow.settings import Connection, LaunchError

TIMEOUT_S: Final = 60.0
_PAGE: Final = 100


class ApiError(LaunchError):
    """Airflow's REST API returned an unexpected answer."""


class AirflowApi:
    """A client that logs in when necessary: a token is valid for a day, and the demo can run longer."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Make a client, without sending anything."""
        self._url = url
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between this process and loopback

    def is_healthy(self) -> bool:
        """Return whether Airflow serves tasks and people; the first request warms up the tasks' API."""
        try:
            return all(self._send("GET", path).ok for path in ("/execution/health", "/api/v2/version"))
        except ApiError:
            return False

    def is_scheduling(self, since: datetime) -> bool:
        """Return whether scheduler and DAG processor have reported after `since`, the start of this Airflow."""
        try:
            health = self._send("GET", "/api/v2/monitor/health").json()
        except (ApiError, requests.JSONDecodeError):
            return False
        return all(_is_fresh(health.get(part) or {}, part, since) for part in ("scheduler", "dag_processor"))

    def request(self, method: str, path: str, *, allowed: tuple[int, ...] = (), **options: Any) -> requests.Response:
        """Return the answer of `/api/v2<path>`; ApiError if its status is neither 2xx nor in `allowed`."""
        answer = self._send(method, f"/api/v2{path}", **options)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in()
            answer = self._send(method, f"/api/v2{path}", **options)
        if not answer.ok and answer.status_code not in allowed:
            raise ApiError(f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:300]}")
        return answer

    def get(self, path: str, **parameters: object) -> Any:
        """Return the JSON body of `/api/v2<path>`."""
        return self.request("GET", path, params=parameters).json()

    def list_all(self, path: str, key: str, **parameters: object) -> list[dict[str, Any]]:
        """Return the entries of all pages of a collection."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, limit=_PAGE, offset=len(found), **parameters)
            found += page[key]
            if not page[key] or len(found) >= page["total_entries"]:
                return found

    def put_connection(self, connection: Connection) -> None:
        """Store a connection, or update the stored one to these values."""
        body = asdict(connection)
        body["connection_id"] = body.pop("conn_id")
        body["extra"] = json.dumps(body["extra"]) if body["extra"] else None
        path = f"/connections/{quote(connection.conn_id, safe='')}"
        if not self.request("PATCH", path, json=body, allowed=(requests.codes.not_found,)).ok:
            self.request("POST", "/connections", json=body)

    def unpause(self, dag_id: str) -> bool:
        """Return whether the DAG exists and is now unpaused."""
        wanted = {"is_paused": False}
        return self.request("PATCH", f"/dags/{dag_id}", json=wanted, allowed=(requests.codes.not_found,)).ok

    def import_errors(self) -> list[str]:
        """Return the last line of each DAG file's import error."""
        errors = self.list_all("/importErrors", "import_errors")
        return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in errors]

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all runs of a DAG, oldest first."""
        return self.list_all(f"/dags/{dag_id}/dagRuns", "dag_runs", order_by="run_after")

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return self.list_all(f"{_run_path(dag_id, run_id)}/taskInstances", "task_instances")

    def returned(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        """Return what a task returned (its manifest), or None if it returned nothing."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries/return_value"
        answer = self.request("GET", path, allowed=(requests.codes.not_found,))
        value = answer.json().get("value") if answer.ok else None
        return value if isinstance(value, dict) else None

    def error_of(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """Return the error sentence of an attempt of a task, from its log."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{task_id}/logs/{attempt}"
        answer = self.request("GET", path, headers={"Accept": "application/json"}, allowed=(404,))
        entries = answer.json().get("content", []) if answer.ok else []
        return next((text for text in map(_error_text, reversed(entries)) if text), "its log contains no error")

    def _log_in(self) -> None:
        answer = self._send("POST", "/auth/token", json=self._login)
        if not answer.ok:
            raise ApiError(f"Airflow at {self._url} rejected the login (status {answer.status_code}).")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(method, f"{self._url}{path}", timeout=TIMEOUT_S, **options)
        except requests.RequestException as err:
            raise ApiError(f"Airflow at {self._url} does not answer: {err}") from err


def _is_fresh(health: dict[str, Any], part: str, since: datetime) -> bool:
    beat = health.get(f"latest_{part}_heartbeat")
    return health.get("status") == "healthy" and beat is not None and datetime.fromisoformat(beat) > since


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _error_text(entry: object) -> str:
    if not isinstance(entry, dict) or entry.get("level") not in {"error", "critical"}:
        return ""
    details = entry.get("error_detail") or []
    if details:
        return f"{details[0].get('exc_type', 'error')}: {details[0].get('exc_value', '')}"
    return str(entry.get("event", ""))
