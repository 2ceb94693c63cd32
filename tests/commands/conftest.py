"""Commands as a person runs them: a connectors file, vendors on loopback, and a ledger in a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection

from ci_operators.__main__ import main
from ci_operators.connectors_file import VARIABLE, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.errors import UnknownOutcomeError
from ci_operators.core.instant import format_instant
from ci_operators.core.tally import STAGES
from ci_operators.core.window import Window
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.recorded_future.api import API
from ci_operators.sources.registry import load_source
from ci_operators.stages.account import Rules
from ci_operators.stages.chain import run_step
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.extraction import extract
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.staging.artifact import read_artifact
from ci_operators.staging.manifest import Manifest
from simulator import Limits, Simulator, serve
from tests.ledger_database import airflow_connection
from tests.vendor_cases import SECRETS, airflow_connections

FILE = """
connectors:
  - {name: okta, source: okta, debug: false, unknown_policy: hold}
  - {name: s1, source: sentinelone, debug: false}
  - {name: dry, source: okta}
destinations:
  recorded_future_default: {daily_limit: 100}
"""


@dataclass(frozen=True)
class Printed:
    """The result of a command: exit status and both outputs."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON document on stdout."""
        return json.loads(self.out)


@dataclass
class Desk:
    """A terminal with the project's commands and runs of connectors."""

    simulator: Simulator
    connection: Connection
    folder: Path
    capture: pytest.CaptureFixture[str]
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def run(self, *arguments: str) -> Printed:
        """Run a command in this process, and check that its output holds no secret."""
        self.capture.readouterr()
        try:
            status = main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
        printed = self.capture.readouterr()
        for secret in (*SECRETS, "ledger-password"):
            assert secret not in printed.out + printed.err
        assert "Traceback" not in printed.err
        return Printed(status, printed.out, printed.err)

    def ago(self, minutes: float) -> datetime:
        return self.now - timedelta(minutes=minutes)

    def connector(self, name: str) -> Connector:
        return next(each for each in load_connectors().connectors if each.name == name)

    def add_okta_events(self, *numbers: int, minutes_ago: float = 20, **members: Any) -> None:
        """Add threat events to the log."""
        for number in numbers:
            self.simulator.add_okta_event(okta_event(number, self.ago(minutes_ago), **members))

    def lose_answer(self, kind: str = "drop_connection") -> None:
        """Deliver okta's events and lose Recorded Future's answer, so that the outcome is unknown."""
        self.simulator.add_fault("recorded_future", kind, path="/collective-insights/detections")
        with pytest.raises(UnknownOutcomeError):
            self.deliver()
        self.simulator.clear_faults()

    def edit_file(self, old: str, new: str) -> None:
        """Replace a text in the connectors file."""
        path = self.folder / "connectors.yaml"
        path.write_text(path.read_text().replace(old, new))

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """Change the ledger directly."""
        with self.connection.begin():
            self.connection.exec_driver_sql(statement, values)

    def deliver(self, name: str = "okta", run_id: str = "scheduled__1", since: float = 30, until: float = 0) -> None:
        """Run a connector's stages over a window (minutes before now), as its DAG does, with the ledger."""
        chain = Chain(self, self.connector(name), run_id, Window(self.ago(since), self.ago(until)))
        chain.run()


@dataclass
class Chain:
    """One scheduled run of a connector."""

    desk: Desk
    connector: Connector
    run_id: str
    window: Window

    def run(self) -> None:
        """Run all stages, writing into the ledger what the operators write."""
        source, connector, folder = load_source(self.connector.source), self.connector, self.desk.folder / self.run_id
        from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

        client = VendorHook(source.api, connector.source_conn_id).get_client()
        result = extract(partial(source.fetch, client, connector), self.window, "events", folder)
        self.record("extract", result)
        for stage in STAGES[1:4]:
            result = run_step(stage, connector, result.artifact, folder)  # type: ignore[arg-type]  # never None here
            self.record(stage, result)
            if not result.tally.records_out:
                return
        self.record("submit", self.submit(result))

    def submit(self, validated: StageResult) -> StageResult:
        """Deliver the detections that validate passed on."""
        connector = self.connector
        from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

        client = VendorHook(API, connector.destination_conn_id).get_client()
        client.attempts = 1
        rules = Rules(Terms((), 10), connector.unknown_policy, allowed=100, allowed_for_waiting=80)
        engine = self.desk.connection.engine
        with engine.connect() as connection:
            deliveries = Deliveries(connection, connector.name, self.run_id, connector.destination_conn_id)
            folder = self.desk.folder / self.run_id
            assert validated.artifact is not None
            return deliver_once(client, validated.artifact, folder, rules, deliveries, look_up_with(client))

    def record(self, stage: str, result: StageResult) -> None:
        """Write a stage's manifest and side artifacts into the ledger."""
        history = History(self.desk.connection, self.connector.name, self.run_id, stage)
        for kind, write in (("dropped", history.add_dropped), ("quarantined", history.add_quarantined)):
            if kind in result.side_artifacts and stage != "submit":
                write(read_artifact(result.side_artifacts[kind]))
        manifest = Manifest(stage, self.connector.name, False, self.window, "data interval", None, result.tally)
        history.add_run(manifest.to_xcom(), "scheduled")


def okta_event(number: int, at: datetime, **members: Any) -> dict[str, Any]:
    """Return a threat event with personal data that only `show` and `export` may print."""
    return {
        "uuid": f"event-{number:04}",
        "published": format_instant(at + timedelta(milliseconds=number)),
        "eventType": "security.threat.detected",
        "displayMessage": "Request from suspicious actor",
        "actor": {"displayName": f"198.51.100.{number % 250 + 1}", "alternateId": "jane.doe@acme.example"},
        "outcome": {"reason": "Password Spray", "result": "DENY"},
        **members,
    }


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets an Airflow Connection."""

    def set_connection(conn_id: str, text: str) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)

    return set_connection


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Vendors without events."""
    with serve(Simulator(scenario=False, limits=Limits.off())) as running:
        yield running


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    simulator: Simulator,
    ledger_url: URL,
    ledger_connection: Connection,
    connect: Callable[..., None],
) -> Desk:
    """Return a terminal with three connectors: okta and s1 are live, dry is in debug mode."""
    path = tmp_path / "connectors.yaml"
    path.write_text(FILE, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(path))
    monkeypatch.setenv("COLUMNS", "250")
    for name, connection in airflow_connections(simulator.url).items():
        monkeypatch.setenv(name, connection)
    connect("COLLECTIVE_INSIGHTS_LEDGER", airflow_connection(ledger_url))
    return Desk(simulator, ledger_connection, tmp_path, capsys)


def stored_ids(simulator: Simulator) -> list[str]:
    """Return the incident ids of all that Recorded Future stored, duplicates included."""
    return sorted(str(stored.incident_id) for stored in simulator.detections)
