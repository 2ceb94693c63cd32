"""One Airflow for the whole session: PostgreSQL, API server, scheduler with LocalExecutor, DAG processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.timetables.base import DataInterval, TimeRestriction
from playwright.sync_api import Browser

from ci_operators.connectors_file import load_connectors
from ci_operators.core.instant import format_instant
from ci_operators.dag_factory import build_dag
from ci_operators.sources import SOURCES
from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable
from local_airflow.airflow_server import AirflowAddress, running_airflow
from local_airflow.ports import find_free_port
from local_airflow.settings import AirflowSettings, Connection
from simulator import Fault, Limits, Simulator, serve
from simulator.settings import RECORDED_FUTURE_TOKEN
from simulator.vendors import VENDORS
from tests.airflow_home import ROOT
from tests.end_to_end.chromium import Visit, running_chromium, visiting
from tests.end_to_end.looked_at import LookedAt, make_events, trigger_and_watch
from tests.end_to_end.tenant import Tenant, events, ids
from tests.sources.sentinelone.specimens import alert

LEDGER = "collective_insights_ledger"
CONNECTORS = Path(__file__).with_name("connectors.yaml")
#: Options that `write_connectors` sets for each connector that it adds. Events of the scenarios are minutes late.
FIRST = {"debug": False, "update_frequency": "1 day", "initial_import": "1 day", "publication_delay": "40 minutes"}
#: Longer than any of these tests, so that a request that is held back ends only with the task's process.
HELD_S = 300.0
#: A user who can read the DAG of one connector, see `tests.restricted_access`.
READER = "only-first-okta"
#: The embedded PostgreSQL does not require it; the tests search for it.
LEDGER_PASSWORD = "ledger-password-of-nobody"
_ENVIRONMENT = {
    "AIRFLOW__CORE__AUTH_MANAGER": "tests.restricted_access.RestrictedAccess",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"admin:admin,{READER}:viewer",
    "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("plugins", "include", ".")),
}
BLANK = "about:blank"
#: The id of each unified alert, and its differing members.
UNIFIED_ALERTS: dict[str, dict[str, Any]] = {
    "alert-of-a-threat": {"externalId": "a-threat"},
    "alert-alone": {"externalId": "N/A"},
    "alert-of-others": {"detectionSource": {"product": "Mail", "vendor": "Example"}},
}
#: The events that a connector started with `Begin` delivers.
ALL = ids("event", range(25))


@dataclass(frozen=True)
class Installation:
    """The running Airflow and everything that it has written so far."""

    address: AirflowAddress
    settings: AirflowSettings
    now: datetime

    def initial_import(self, name: str) -> DataInterval:
        """Return the window of a connector's first scheduled run, from its timetable now."""
        found = load_connectors(self.settings.connectors)
        connector = next(entry for entry in found.connectors if entry.name == name)
        timetable = build_dag(connector, found, "").timetable
        assert isinstance(timetable, UpdateFrequencyTimetable)
        info = timetable.next_dagrun_info(
            last_automated_data_interval=None, restriction=TimeRestriction(None, None, catchup=False)
        )
        assert info is not None
        assert info.data_interval is not None
        return info.data_interval


#: Gives a connector its vendors (options as of Simulator) and the Connections to them.
MakeTenant = Callable[..., Tenant]
#: Enables a connector with 25 events in its initial import and these faults; gives it and its run's id.
Begin = Callable[..., tuple[Tenant, str]]


def write_connectors(folder: Path) -> Path:
    """Write the file with a connector for each missing source, and return its path."""
    content: dict[str, Any] = yaml.safe_load(CONNECTORS.read_text("utf-8"))
    known = {entry["name"] for entry in content["connectors"]}
    for source in SOURCES:
        if (name := f"first-{source}") not in known:
            connections = {"source_conn_id": f"{name}_source", "destination_conn_id": f"{name}_recorded_future"}
            content["connectors"].append({"name": name, "source": source, **connections, **FIRST})
    path = folder / "connectors.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An Airflow that reads no vendor yet: the connectors' DAGs are paused."""
    folder = tmp_path_factory.mktemp("airflow")
    connectors = write_connectors(tmp_path_factory.mktemp("connectors"))
    settings = AirflowSettings(folder, find_free_port(), connectors, keep_database=False, environment=_ENVIRONMENT)
    with running_airflow(settings) as address:
        ledger = {"connection_id": LEDGER, "conn_type": LEDGER, "password": LEDGER_PASSWORD}
        address.api().request("PATCH", f"/connections/{LEDGER}", params={"update_mask": "password"}, json=ledger)
        yield Installation(address, settings, datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium. It ends with this folder, since its event loop runs in this thread."""
    with running_chromium() as running:
        yield running


@pytest.fixture(scope="package")
def make_tenant(installation: Installation) -> Iterator[MakeTenant]:
    """Serves simulators until the session ends."""
    api = installation.address.api()
    with ExitStack() as stack:

        def make(name: str, *, source: str = "okta", token: str = "", **options: Any) -> Tenant:
            options = {"scenario": False, "limits": Limits.off(), **options}
            simulator = stack.enter_context(serve(Simulator(**options)))
            sign_in = VENDORS[source].sign_in
            opened = Connection(f"{name}_source", simulator.url, token or sign_in.password, extra=sign_in.extra)
            api.put_connection(opened)
            api.put_connection(Connection(f"{name}_recorded_future", simulator.url, RECORDED_FUTURE_TOKEN))
            return Tenant(name, api, simulator)

        yield make


@pytest.fixture(scope="package")
def begin(installation: Installation, make_tenant: MakeTenant) -> Begin:
    """A function that starts a connector's first run."""

    def enable(name: str, *faults: Fault, **options: str) -> tuple[Tenant, str]:
        first = installation.initial_import(name).end - timedelta(hours=1)
        tenant = make_tenant(name, okta_events=events("event", first, 25, timedelta(minutes=1)), **options)
        for fault in faults:
            tenant.simulator.program(fault)
        tenant.enable()
        return tenant, tenant.first_scheduled()

    return enable


@pytest.fixture(scope="package", autouse=True)
def gap(installation: Installation, make_tenant: MakeTenant) -> Tenant:
    """A connector whose first scheduled run fails. The next run comes a minute later, so this one starts early."""
    begin = installation.now - timedelta(minutes=30)
    tenant = make_tenant("gap", okta_events=events("gap", begin, 20, timedelta(minutes=1)))
    tenant.simulator.add_fault("okta", "status", status=401)
    tenant.enable()
    return tenant


@pytest.fixture(scope="package", autouse=True)
def first_imports(make_tenant: MakeTenant) -> dict[str, Tenant]:
    """A connector of each source with the full scenario, whose initial imports take a while."""
    tenants = {source: make_tenant(f"first-{source}", source=source, scenario=True) for source in SOURCES}
    for tenant in tenants.values():
        tenant.enable()
    return tenants


@pytest.fixture(scope="package", autouse=True)
def unified_alerts(installation: Installation, make_tenant: MakeTenant) -> Tenant:
    """A connector that reads SentinelOne's unified alerts: one is a threat too, one is not, one is another vendor's."""
    written = format_instant(installation.initial_import("unified-alerts").end - timedelta(hours=1))
    times = {"detectedAt": written, "createdAt": written, "updatedAt": written}
    tenant = make_tenant("unified-alerts", source="sentinelone")
    for alert_id, changes in UNIFIED_ALERTS.items():
        tenant.simulator.add_event("sentinelone", alert(id=alert_id, **times, **changes))
    tenant.enable()
    return tenant


@pytest.fixture(scope="package")
def person(installation: Installation, browser: Browser) -> Iterator[Visit]:
    """A logged-in user with all permissions."""
    with visiting(browser, installation.address.url) as visit:
        visit.log_in(installation.address.user, installation.address.password)
        yield visit


@pytest.fixture
def visit(person: Visit) -> Iterator[Visit]:
    """That user, whose page must show no errors."""
    person.forget()
    yield person
    assert person.complaints == []
    assert person.strangers == []
    assert person.alarms == []
    if person.page.url != BLANK:
        assert person.page.evaluate("sessionStorage.ran") is None
        person.page.goto(BLANK)  # an open page of Airflow asks for news all the time


@pytest.fixture(scope="package")
def looked_at(installation: Installation, make_tenant: MakeTenant, person: Visit) -> LookedAt:
    """A connector with a run over a window that was triggered by Airflow's form and followed on the page to its end."""
    end = datetime.fromtimestamp(installation.initial_import("looked-at").end.timestamp(), UTC)
    begin = end.replace(second=0, microsecond=0) - timedelta(hours=3)
    tenant = make_tenant("looked-at", okta_events=make_events(begin))
    tenant.enable()
    empty = tenant.first_scheduled()
    assert tenant.outcome(empty) == "success"
    return LookedAt(tenant, begin, trigger_and_watch(person, tenant, begin), empty)
