"""Operators outside of Airflow: a handmade run context, vendors simulated on loopback, and a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.execution_time.context import OutletEventAccessors
from sqlalchemy import URL

from ci_operators.airflow_plugin.versions import (
    HAS_ASSET_STATE,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)
from ci_operators.connectors_file import ConnectorsFile
from ci_operators.core.connector import Connector, Destination
from ci_operators.dag_factory import build_dag
from ci_operators.operators.stage import StageOperator
from ci_operators.sources.registry import OPTIONS
from simulator import Limits, Simulator, serve
from tests.airflow_home import ROOT
from tests.ledger_database import airflow_connection
from tests.vendor_cases import airflow_connections


@dataclass
class FakeStore:
    """A state store in memory; like Airflow's, it accepts only JSON values."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, retention: Any = None) -> None:
        del retention
        assert value is not None
        self.values[key] = json.loads(json.dumps(value))


@dataclass
class FakeTaskInstance:
    """Keeps the XComs that a task pushes, and returns the newest ones of this and earlier runs."""

    map_index: int = -1
    task_id: str = ""
    xcoms: dict[str, Any] = field(default_factory=dict)
    earlier: dict[tuple[str, str], Any] = field(default_factory=dict)
    returned: dict[tuple[str, str], Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = self.earlier[self.task_id, key] = json.loads(json.dumps(value))

    def xcom_pull(self, task_ids: Any, key: str = "", **of: Any) -> Any:
        if isinstance(task_ids, str):
            assert of.pop("map_indexes") == -1
            return self.returned.get((of["run_id"], task_ids))
        assert of == {"include_prior_dates": True}
        return [self.earlier.get((task_id, key)) for task_id in task_ids]


@dataclass
class FakeRun:
    """The attributes of a DAG run that a task can read."""

    run_type: DagRunType
    run_after: datetime
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    conf: dict[str, Any] | None = None
    run_id: str = "run:1"
    dag_id: str = ""
    clear_number: int = 0


@dataclass
class Chain:
    """A connector's DAG, run task by task. Like Airflow's, its stores outlive the runs."""

    connector: Connector
    asset_store: FakeStore = field(default_factory=FakeStore)
    xcoms: dict[tuple[str, str], Any] = field(default_factory=dict)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    returned: dict[tuple[str, str], Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    destination: Destination = field(default_factory=Destination)
    events: OutletEventAccessors = field(default_factory=OutletEventAccessors)

    def context(self, run: FakeRun, ti: FakeTaskInstance | None = None) -> Any:
        """Return the context of a task. As in Airflow, a param that is not a key of the DAG stays in conf."""
        found = ConnectorsFile(destinations={self.connector.destination_conn_id: self.destination})
        dag = build_dag(self.connector, found, "")
        run.dag_id = dag.dag_id
        params = dag.params.dump()
        params |= {name: value for name, value in (run.conf or {}).items() if name in params}
        return {
            "dag": dag,
            "dag_run": run,
            "params": params,
            "ti": ti or FakeTaskInstance(earlier=self.xcoms, returned=self.returned),
            "outlet_events": self.events,
        }

    def operator(self, stage: str, context: Any) -> StageOperator:
        """Return the operator as its task would get it, with access to the store of its inlets' and outlets' asset."""
        task: StageOperator = context["dag"].get_task(stage)
        if HAS_ASSET_STATE and (task.inlets or task.outlets):
            context["asset_state_store"] = {Asset(name=context["dag"].dag_id): self.asset_store}
        upstream = next(iter(task.upstream_task_ids), None)
        task.manifest = None if upstream is None else self.manifests[upstream]
        return task

    def run_task(self, stage: str, run: FakeRun) -> dict[str, Any]:
        """Run one task and keep its manifest for the next one. A skip is recorded in `skipped`."""
        ti = FakeTaskInstance(task_id=stage, earlier=self.xcoms, returned=self.returned)
        context = self.context(run, ti)
        try:
            manifest = execute(self.operator(stage, context), context)
        except DownstreamTasksSkipped as skip:
            self.skipped += [str(task) for task in skip.tasks]
            manifest = ti.xcoms["return_value"]
        self.manifests[stage] = self.returned[run.run_id, stage] = json.loads(json.dumps(manifest))
        return self.manifests[stage]

    def run_all(self, run: FakeRun) -> dict[str, dict[str, Any]]:
        """Run the chain until a stage ends it; return the manifests of the tasks that succeeded."""
        self.manifests.clear()
        self.skipped.clear()
        for stage in ("extract", "filter", "map", "validate", "submit"):
            if self.skipped:
                break
            try:
                self.run_task(stage, run)
            except AirflowSkipException:
                self.skipped.append(stage)
        return dict(self.manifests)

    @property
    def watermark(self) -> str | None:
        """The connector's live watermark."""
        return self._read("watermark")

    @property
    def debug_watermark(self) -> str | None:
        """The connector's watermark of debug mode."""
        return self._read("debug_watermark")

    def _read(self, key: str) -> str | None:
        """Return a watermark from the store of this version of Airflow."""
        pushed = [value for (_, name), value in self.xcoms.items() if name == key]
        return self.asset_store.values.get(key) if HAS_ASSET_STATE else max(pushed, default=None)


def execute(task: StageOperator, context: Any) -> dict[str, Any]:
    """Return a task's manifest. Fatal errors are raised unwrapped: before Airflow 3.3, Airflow wraps them."""
    try:
        return task.execute(context)
    except AirflowFailException as err:
        raise err.__cause__ or err from None


@dataclass
class Tenant:
    """The simulated vendors, the Airflow Connections to them, and runs around `now`."""

    simulator: Simulator
    now: datetime

    def chain(self, source: str = "okta", **options: Any) -> Chain:
        """Return the DAG of a connector; live by default."""
        entry = {"name": source, "source": source, "debug": False, "initial_import": "1 hour", **options}
        return Chain(OPTIONS[source].model_validate(entry))

    def scheduled(self, begin_h: float, end_h: float, run_id: str = "scheduled__1") -> FakeRun:
        """Return a scheduled run of a window, in hours before now."""
        since, until = self.ago(begin_h), self.ago(end_h)
        return FakeRun(DagRunType.SCHEDULED, until, since, until, run_id=run_id)

    def manual(self, **conf: Any) -> FakeRun:
        """Return a run without logical date, as the API creates it: it has no data interval."""
        return FakeRun(DagRunType.MANUAL, self.now, conf=conf, run_id="manual__1")

    def ago(self, hours: float) -> datetime:
        return self.now - timedelta(hours=hours)

    def add_events(self, count: int, hours_ago: float = 0.5, **members: Any) -> None:
        """Add threat events, a millisecond apart, each with its own address and person."""
        for number in range(count):
            self.simulator.add_okta_event(okta_event(number, self.ago(hours_ago), **members))

    @property
    def sent_ids(self) -> list[str | None]:
        """The incident ids of all that Recorded Future stored, duplicates included."""
        return [stored.incident_id for stored in self.simulator.detections]


def okta_event(number: int, at: datetime, **members: Any) -> dict[str, Any]:
    """Return a threat event with a payload that must not be in any log or manifest."""
    instant = at + timedelta(milliseconds=number)
    return {
        "uuid": f"event-{number:04}",
        "published": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventType": "security.threat.detected",
        "displayMessage": "Request from suspicious actor",
        "actor": {"displayName": f"198.51.100.{number % 250 + 1}", "alternateId": "jane.doe@acme.example"},
        "outcome": {"reason": "Password Spray", "result": "DENY"},
        "client": {"userAgent": {"rawUserAgent": "PAYLOAD-MARK"}},
        **members,
    }


@pytest.fixture(autouse=True)
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A separate staging area for the test."""
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", f"file://{tmp_path / 'staging'}")
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(ROOT / "include" / "connectors.yaml"))
    return tmp_path / "staging"


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch, ledger_url: URL) -> Iterator[Tenant]:
    """Vendors without events, an empty ledger, and the Connections to them."""
    monkeypatch.setenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER", airflow_connection(ledger_url))
    with serve(Simulator(scenario=False, limits=Limits.off())) as simulator:
        for name, connection in airflow_connections(simulator.url).items():
            monkeypatch.setenv(name, connection)
        yield Tenant(simulator, datetime.now(UTC).replace(microsecond=0))
