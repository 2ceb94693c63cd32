"""docker-compose.yaml, run as processes: nothing is lost and nothing sent twice, whatever falls over."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import kombu  # type: ignore[import-untyped]  # kombu has no types
import pytest
import requests
import yaml
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from ci_operators.operators.staging_area import run_directory
from ci_operators.staging.private import make_private_folder
from local_airflow.airflow_api import AirflowApi, ApiError
from local_airflow.runs import CONNECTORS, RunReader, find_faults
from local_airflow.settings import Connection
from simulator import Fault, Limits, Simulator, serve
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN
from tests.compose.compose_file import ROOT
from tests.compose.installation import Installation
from tests.compose.new_variables import new_variables
from tests.end_to_end.tenant import FINISHED, STAGES, Tenant, events, ids, wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.celery, pytest.mark.timeout(600)]

DEMO = ROOT / "include" / "local_airflow" / "connectors.yaml"
PASSWORD = "invented-for-this-test-alone"
#: Longer than any of these tests: only the end of the task's process ends a request that is held back.
HELD_S = 300.0
#: Of a pipe that holds a stage back, behind the name of the file it wants to write: tests/compose/held.
HELD = ".held"
ALL = ids("event", range(25))
_TIMES = {
    # The composition's own two minutes would make the test wait as long.
    "TASK_HEARTBEAT_TIMEOUT": "15",
    # Five tasks hang at the same time, and more are to run beside them.
    "WORKER_CONCURRENCY": "8",
}
NEW_CONNECTORS = (
    *(f"killed-{stage}" for stage in STAGES),
    *("taken", "handed-out-again", "redis-cut", "postgres-cut", "scheduler-cut", "updated", "late"),
)
#: How long the composition leaves a task that was taken and not begun with its worker; here it is shorter.
VISIBILITY = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
VISIBILITY_S = "8"


@dataclass(frozen=True)
class Running:
    """The services, and their REST API by a user who was created as the docs say."""

    installation: Installation
    api: AirflowApi


MakeTenant = Callable[..., Tenant]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """All services of the file, those of the demo too."""
    folder = tmp_path_factory.mktemp("compose")
    installation = Installation(folder, {**new_variables("demo"), **_TIMES})
    installation.set_variables(**{VISIBILITY: VISIBILITY_S})
    shutil.copy(DEMO, installation.home / "connectors")
    try:
        installation.up(installation.services)
        words = ("--role", "Admin", "--firstname", "Ada", "--lastname", "Acme", "--email", "ada@acme.example")
        installation.run("airflow", "users", "create", "--username", "admin", "--password", PASSWORD, *words)
        yield Running(installation, AirflowApi(installation.url, "admin", PASSWORD))
    finally:
        installation.down()
        shutil.rmtree(installation.home, ignore_errors=True)


@pytest.fixture(scope="module")
def make_tenant(running: Running) -> Iterator[MakeTenant]:
    """Gives a connector separate vendors with 25 events, and these faults; serves them until the module ends.

    These connectors are new, and start paused as outside of the demo.
    """
    running.installation.stop("dag-processor")
    _write_connectors(running.installation.home / "connectors" / "connectors.yaml")
    running.installation.change("dag-processor", AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="True")
    for name in NEW_CONNECTORS:
        wait_for(partial(is_read, running.api, name), name)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=30)
    with ExitStack() as stack:

        def make(name: str, *faults: Fault) -> Tenant:
            found = events("event", begin, 25, timedelta(minutes=1))
            simulator = stack.enter_context(serve(Simulator(scenario=False, limits=Limits.off(), okta_events=found)))
            for fault in faults:
                simulator.program(fault)
            running.api.put_connection(Connection(f"{name}_source", simulator.url, OKTA_TOKEN))
            running.api.put_connection(Connection(f"{name}_recorded_future", simulator.url, RECORDED_FUTURE_TOKEN))
            return Tenant(name, running.api, simulator)

        yield make


def is_read(api: AirflowApi, name: str) -> bool:
    """Return whether Airflow has read a connector's DAG."""
    return api.request("GET", f"/dags/collective_insights_{name}/details", allowed=(404,)).ok


def _write_connectors(path: Path) -> None:
    """Write the demo's connectors, and those that the tests disturb: their first run is all there is for a day."""
    content: dict[str, Any] = yaml.safe_load(DEMO.read_text("utf-8"))
    for name in NEW_CONNECTORS:
        content["connectors"].append(
            {
                "name": name,
                "source": "okta",
                "source_conn_id": f"{name}_source",
                "destination_conn_id": f"{name}_recorded_future",
                "debug": False,
                "update_frequency": "1 day",
                "initial_import": "3 days",
                "max_window": "3 days",
                "batch_size": 10,
                "parallel_requests": 1,
            }
        )
    path.write_text(yaml.safe_dump(content), "utf-8")


def begin_run(tenant: Tenant) -> str:
    """Enable a connector and return the id of its first run."""
    tenant.enable()
    return tenant.first_scheduled()


def finish(tenant: Tenant, run_id: str) -> str:
    """Return the state of a run once it is finished; what waits for its retry is cleared, as a person does."""

    def look() -> str:
        with suppress(ApiError):  # the API server may be on its way back
            for stage, state in tenant.states(run_id).items():
                if state == "up_for_retry":
                    tenant.clear(run_id, stage)
            state = str(tenant.api.get(tenant.path(run_id))["state"])
            return state if state in FINISHED else ""
        return ""

    return wait_for(look, f"run {run_id} of {tenant.name}")


def wait_until_held(tenant: Tenant) -> None:
    """Wait until a vendor holds a request back."""
    wait_for(lambda: any(entry.fault for entry in tenant.simulator.requests), f"a request of {tenant.name}")


def block(installation: Installation, tenant: Tenant, run_id: str, stage: str) -> Path:
    """Put a pipe beside the artifact that the stage is to write, so that it begins and cannot end: `held`."""
    folder = installation.home / "staging" / tenant.dag_id / run_directory(tenant.dag_id, run_id).name
    make_private_folder(folder)
    pipe = folder / f".{stage}.jsonl.zst.draft{HELD}"
    os.mkfifo(pipe)
    return pipe


def test_every_service_is_healthy_by_its_own_check(running: Running) -> None:
    installation = running.installation
    assert [name for name in installation.checked if not installation.is_healthy(name)] == []
    assert installation.restarts == {}


def test_health_checks_tell_what_is_not_there(running: Running) -> None:
    """The same checks say no where the scheduler or the worker is another host's."""
    installation = running.installation
    for name, wrong in (("scheduler", ("SchedulerJob", "NoSuchJob")), ("worker", ("celery@", "celery@no-"))):
        service = installation.services[name]
        assert service.health is not None
        argv = tuple(word.replace(*wrong) for word in service.health.argv)
        answer = installation.ask(name, argv)
        assert answer.returncode != 0, answer.stdout


def test_the_demo_is_delivered_by_celery(running: Running) -> None:
    """Both DAGs run without being unpaused, read from the simulator at its address as shipped, over TLS.

    What the stages counted is what it stores, each once.
    """
    reader = RunReader(running.api)

    def look() -> tuple[Any, ...]:
        runs = reader.read_all()
        names = {run.connector for run in runs}
        return runs if names == set(CONNECTORS) and all(run.is_finished for run in runs) else ()

    runs = wait_for(look, "the initial imports")
    stored = stored_by_the_demo(running.installation)
    assert find_faults(runs, Counter(entry["ioc"]["source_type"] for entry in stored)) == []
    seen = Counter((entry["incident"]["id"], entry["ioc"]["value"]) for entry in stored)
    assert len(seen) > 100
    assert set(seen.values()) == {1}


def test_the_simulator_keeps_what_it_stored(running: Running) -> None:
    before = Counter(entry["incident"]["id"] for entry in stored_by_the_demo(running.installation))
    running.installation.restart("simulator")
    assert before <= Counter(entry["incident"]["id"] for entry in stored_by_the_demo(running.installation))


def test_init_refuses_a_key_that_does_not_decrypt_the_connections(running: Running) -> None:
    check = ("python", "deploy/check_secrets.py")
    assert running.installation.ask("init", check).returncode == 0
    answer = running.installation.ask("init", check, AIRFLOW__CORE__FERNET_KEY=new_variables()["FERNET_KEY"])
    assert answer.returncode == 1
    assert "FERNET_KEY does not decrypt the Connections crowdstrike_default, defender_default, okta_" in answer.stdout


def test_a_worker_has_no_way_to_airflows_database(running: Running) -> None:
    """Its only database is Celery's, which has the tasks' ends and nothing else."""
    environment = running.installation.services["worker"].environment
    assert "airflow:" not in str(environment)
    address = environment["AIRFLOW__CELERY__RESULT_BACKEND"].removeprefix("db+")
    with create_engine(address, poolclass=NullPool).connect() as connection:
        assert all(name.startswith("celery_") for name in inspect(connection).get_table_names())
    with pytest.raises(OperationalError, match="permission denied for database"):
        create_engine(make_url(address).set(database="airflow"), poolclass=NullPool).connect()


def stored_by_the_demo(installation: Installation) -> list[dict[str, Any]]:
    """Return the entries that the simulator of the demo profile stores."""
    url = f"https://localhost:{installation.ports['simulator']}/simulator/detections"
    answer = requests.get(url, params={"limit": 100_000}, verify=str(installation.home / "demo" / "ca.pem"), timeout=30)
    return [stored["entry"] for stored in answer.json()["detections"]]


def test_the_pages_are_served_to_a_user_of_fab(running: Running) -> None:
    address = f"{running.installation.url}/collective-insights/api/connectors"
    assert requests.get(address, timeout=30).status_code == 401
    login = {"username": "admin", "password": PASSWORD}
    token = requests.post(f"{running.installation.url}/auth/token", json=login, timeout=30).json()["access_token"]
    answer = requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert "okta" in answer.text


def test_a_worker_killed_in_the_middle_of_each_stage(running: Running, make_tenant: MakeTenant) -> None:
    """Five runs, each held in another stage; one kill of the whole worker hits all of them."""
    installation = running.installation
    pause = Fault("okta", "slow", seconds=5)  # time to put the pipe there
    faults = {
        "extract": Fault("okta", "slow", seconds=HELD_S),
        "submit": Fault("recorded_future", "slow", skip=1, seconds=HELD_S),
    }
    tenants = {stage: make_tenant(f"killed-{stage}", faults.get(stage, pause)) for stage in STAGES}
    runs: dict[str, str] = {}
    pipes: list[Path] = []
    for stage, tenant in tenants.items():
        runs[stage] = begin_run(tenant)
        if stage not in faults:
            pipes.append(block(installation, tenant, runs[stage], stage))
    for stage, tenant in tenants.items():
        assert tenant.wait_for_state(runs[stage], stage, "running")["try_number"] == 1
    for stage in faults:
        wait_until_held(tenants[stage])
    workers = set(installation.processes("worker"))
    assert all(tenant.task(runs[stage], stage)["pid"] in workers for stage, tenant in tenants.items())
    installation.kill("worker")
    for pipe in pipes:
        pipe.unlink()
    wait_for(lambda: installation.restarts.get("worker"), "the worker's restart")
    installation.wait_healthy("worker")
    for stage, tenant in tenants.items():
        assert finish(tenant, runs[stage]) == "success"
        assert tenant.task(runs[stage], stage)["try_number"] == 2
        assert tenant.sent == ALL, stage
    submit = tenants["submit"].manifest(runs["submit"], "submit")
    assert (submit["dropped"], submit["found_by_search"], submit["accepted"]) == ({}, 10, 25)


def count_starts(tenant: Tenant, run_id: str, stage: str) -> int:
    """Return how often Airflow let a worker begin a task."""
    found = tenant.api.list_all("/eventLogs", "event_logs", dag_id=tenant.dag_id, run_id=run_id, event="running")
    return [entry["task_id"] for entry in found].count(stage)


def wait_until_due(installation: Installation) -> None:
    """Wait until all tasks of the workers have been with them for longer than the queue waits for their end."""
    visibility_s = float(installation.services["worker"].environment[VISIBILITY])
    with installation.connect_queue() as queue:

        def look() -> bool:
            newest = queue.zrange("unacked_index", -1, -1, withscores=True)
            return bool(newest) and newest[0][1] < time.time() - visibility_s

        wait_for(look, "tasks that are due again")


def test_a_task_that_a_killed_worker_had_taken_and_not_begun(running: Running, make_tenant: MakeTenant) -> None:
    """It waits neither for `task_queued_timeout` nor for a retry."""
    installation, tenant = running.installation, make_tenant("taken")
    for pid in installation.processes("worker"):
        if os.getsid(pid) != pid:  # the process that takes tasks from the queue goes on
            os.kill(pid, signal.SIGSTOP)
    run_id = begin_run(tenant)
    tenant.wait_for_state(run_id, "extract", "queued")
    wait_until_due(installation)
    installation.kill("worker")
    assert finish(tenant, run_id) == "success"
    assert tenant.task(run_id, "extract")["try_number"] == 1
    assert count_starts(tenant, run_id, "extract") == 1
    assert tenant.sent == ALL


def test_a_task_that_is_handed_out_again_while_it_runs_is_not_begun_again(
    running: Running, make_tenant: MakeTenant
) -> None:
    """What every worker does when it starts, and every 100 seconds, is done here."""
    installation, tenant = running.installation, make_tenant("handed-out-again", Fault("okta", "slow", seconds=30))
    run_id = begin_run(tenant)
    wait_until_held(tenant)
    wait_until_due(installation)
    settings = installation.services["worker"].environment
    options = {"visibility_timeout": float(settings[VISIBILITY])}
    with kombu.Connection(settings["AIRFLOW__CELERY__BROKER_URL"], transport_options=options) as connection:
        connection.default_channel.qos.restore_visible(num=None)
    wait_for(lambda: "Task already running elsewhere" in installation.read_log("worker"), "the task's second message")
    assert finish(tenant, run_id) == "success"
    assert tenant.task(run_id, "extract")["try_number"] == 1
    assert count_starts(tenant, run_id, "extract") == 1
    assert tenant.sent == ALL


def disturb_redis(installation: Installation) -> None:
    """Restart Redis, or cut its connections where it is not this test's own."""
    if installation.redis is None:
        installation.restart("redis")
    else:
        installation.redis.cut()


@pytest.mark.parametrize(
    ("name", "disturb"),
    [
        ("redis-cut", disturb_redis),
        ("postgres-cut", lambda installation: installation.restart("postgres")),
        ("scheduler-cut", lambda installation: installation.kill("scheduler")),
    ],
    ids=["redis", "postgres", "scheduler"],
)
def test_a_server_restarted_in_the_middle_of_a_submission(
    name: str, disturb: Callable[[Installation], None], running: Running, make_tenant: MakeTenant
) -> None:
    """The second batch is stored and its answer on its way for ten seconds, while the server goes and comes."""
    tenant = make_tenant(name, Fault("recorded_future", "slow", skip=1, seconds=10))
    run_id = begin_run(tenant)
    wait_until_held(tenant)
    disturb(running.installation)
    assert finish(tenant, run_id) == "success"
    assert tenant.sent == ALL


def test_an_update_in_the_middle_of_a_submission(running: Running, make_tenant: MakeTenant) -> None:
    """In the order of deploy/update.sh: the task ends and reports, although its scheduler has gone."""
    installation = running.installation
    tenant = make_tenant("updated", Fault("recorded_future", "slow", skip=1, seconds=10))
    run_id = begin_run(tenant)
    wait_until_held(tenant)
    installation.stop("scheduler")
    installation.stop("worker")
    assert tenant.task(run_id, "submit")["state"] == "success"
    installation.postgres.initialize()
    installation.restart("api-server")
    for name in ("scheduler", "worker"):
        installation.start(name)
    assert finish(tenant, run_id) == "success"
    assert tenant.task(run_id, "submit")["try_number"] == 1
    assert tenant.sent == ALL


def test_all_are_well_again_and_go_on(running: Running, make_tenant: MakeTenant) -> None:
    installation = running.installation
    for name in installation.checked:
        installation.wait_healthy(name)
    tenant = make_tenant("late")
    assert finish(tenant, begin_run(tenant)) == "success"
    assert tenant.sent == ALL
    seen = Counter((entry["incident"]["id"], entry["ioc"]["value"]) for entry in stored_by_the_demo(installation))
    assert set(seen.values()) == {1}
