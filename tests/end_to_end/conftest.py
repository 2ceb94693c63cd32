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
from airflow.timetables.base import DataInterval, TimeRestriction
from playwright.sync_api import Browser

from ci_operators.connectors_file import load_connectors
from ci_operators.dag_factory import build_dag
from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable
from local_airflow.airflow_server import AirflowAddress, running_airflow
from local_airflow.ports import find_free_port
from local_airflow.settings import AirflowSettings, Connection
from simulator import Fault, Limits, Simulator, serve
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN
from tests.airflow_home import ROOT
from tests.end_to_end.chromium import Visit, running_chromium, visiting
from tests.end_to_end.looked_at import LookedAt, make_events, trigger_and_watch
from tests.end_to_end.tenant import Tenant, events, ids

LEDGER = "collective_insights_ledger"
CONNECTORS = Path(__file__).with_name("connectors.yaml")
#: Longer than any of these tests: only the end of the task's process ends a request that is held back.
HELD_S = 300.0
#: May read the DAG of one connector, see `tests.restricted_access`.
READER = "only-first-okta"
#: The embedded PostgreSQL asks for none: it is there to be looked for.
LEDGER_PASSWORD = "ledger-password-of-nobody"
_ENVIRONMENT = {
    "AIRFLOW__CORE__AUTH_MANAGER": "tests.restricted_access.RestrictedAccess",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"admin:admin,{READER}:viewer",
    "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("plugins", "include", ".")),
}
#: What a connector that was begun with `Begin` delivers.
ALL = ids("event", range(25))


@dataclass(frozen=True)
class Installation:
    """The running Airflow and all that it has written so far."""

    address: AirflowAddress
    settings: AirflowSettings
    now: datetime

    def initial_import(self, name: str) -> DataInterval:
        """Return the window of a connector's first scheduled run, as its timetable has it now."""
        found = load_connectors(CONNECTORS)
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


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An Airflow that reads no vendor yet: the connectors' DAGs are paused."""
    folder = tmp_path_factory.mktemp("airflow")
    settings = AirflowSettings(folder, find_free_port(), CONNECTORS, keep_database=False, environment=_ENVIRONMENT)
    with running_airflow(settings) as address:
        ledger = {"connection_id": LEDGER, "conn_type": LEDGER, "password": LEDGER_PASSWORD}
        address.api().request("PATCH", f"/connections/{LEDGER}", params={"update_mask": "password"}, json=ledger)
        yield Installation(address, settings, datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium. It ends with this folder: as long as it runs, this thread has a running event loop."""
    with running_chromium() as running:
        yield running


@pytest.fixture(scope="package")
def make_tenant(installation: Installation) -> Iterator[MakeTenant]:
    """Serves simulators until the session ends."""
    api = installation.address.api()
    with ExitStack() as stack:

        def make(name: str, *, token: str = OKTA_TOKEN, **options: Any) -> Tenant:
            options = {"scenario": False, "limits": Limits.off(), **options}
            simulator = stack.enter_context(serve(Simulator(**options)))
            api.put_connection(Connection(f"{name}_source", simulator.url, token))
            api.put_connection(Connection(f"{name}_recorded_future", simulator.url, RECORDED_FUTURE_TOKEN))
            return Tenant(name, api, simulator)

        yield make


@pytest.fixture(scope="package")
def begin(installation: Installation, make_tenant: MakeTenant) -> Begin:
    """What begins a connector's first run."""

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
    """A connector whose first scheduled run fails; the next one comes a minute later, so it begins first of all."""
    begin = installation.now - timedelta(minutes=30)
    tenant = make_tenant("gap", okta_events=events("gap", begin, 20, timedelta(minutes=1)))
    tenant.simulator.add_fault("okta", "status", status=401)
    tenant.enable()
    return tenant


@pytest.fixture(scope="package", autouse=True)
def first_imports(make_tenant: MakeTenant) -> dict[str, Tenant]:
    """Connectors with the lively scenario, whose initial imports take a while."""
    okta = make_tenant("first-okta", scenario=True)
    sentinelone = make_tenant("first-sentinelone", token=SENTINELONE_TOKEN, scenario=True)
    for tenant in (okta, sentinelone):
        tenant.enable()
    return {"okta": okta, "sentinelone": sentinelone}


@pytest.fixture(scope="package")
def person(installation: Installation, browser: Browser) -> Iterator[Visit]:
    """Somebody who may do everything, logged in."""
    with visiting(browser, installation.address.url) as visit:
        visit.log_in(installation.address.user, installation.address.password)
        yield visit


@pytest.fixture
def visit(person: Visit) -> Iterator[Visit]:
    """That person, at whose page nothing may go wrong."""
    person.forget()
    yield person
    assert person.complaints == []
    assert person.strangers == []
    assert person.alarms == []
    assert person.page.evaluate("sessionStorage.ran") is None


@pytest.fixture(scope="package")
def looked_at(installation: Installation, make_tenant: MakeTenant, person: Visit) -> LookedAt:
    """A connector whose run over a window was triggered by Airflow's form, and watched by the page to its end."""
    end = datetime.fromtimestamp(installation.initial_import("looked-at").end.timestamp(), UTC)
    begin = end.replace(second=0, microsecond=0) - timedelta(hours=3)
    tenant = make_tenant("looked-at", okta_events=make_events(begin))
    tenant.enable()
    empty = tenant.first_scheduled()
    assert tenant.outcome(empty) == "success"
    return LookedAt(tenant, begin, trigger_and_watch(person, tenant, begin), empty)
