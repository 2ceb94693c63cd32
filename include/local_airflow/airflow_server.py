"""A complete Airflow on loopback: PostgreSQL, API server, scheduler with LocalExecutor, DAG processor."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Final

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate
from local_airflow.airflow_api import AirflowApi
from local_airflow.environment import Keys, airflow_environment, load_keys, write_secret
from local_airflow.postgres import POSTGRES_USER, PostgresAddress, running_postgres
from local_airflow.processes import ChildProcess, Command, run_to_end, running_all, wait_until
from local_airflow.settings import USER, AirflowSettings, Connection

DATABASE: Final = "airflow"
LEDGER: Final = "ledger"
READY_S: Final = 180.0
#: Encloses a long step, given its name; its context yields a function that shows a detail beside it.
Step = Callable[[str], AbstractContextManager[Callable[[str], None]]]


@dataclass(frozen=True)
class AirflowAddress:
    """A running Airflow: its address and its processes."""

    url: str
    user: str
    password: str
    postgres: PostgresAddress
    processes: tuple[ChildProcess, ...]

    def api(self) -> AirflowApi:
        """Return a client for its REST API."""
        return AirflowApi(self.url, self.user, self.password)


def quiet(_name: str) -> AbstractContextManager[Callable[[str], None]]:
    """Enclose a step without showing anything."""
    return nullcontext(lambda _detail: None)


@contextmanager
def running_airflow(settings: AirflowSettings, step: Step = quiet) -> Iterator[AirflowAddress]:
    """Start an Airflow, yield its address once it schedules, and stop it.

    Everything is below `settings.folder`. A second start continues with the data of the first. The processes
    end with this one, however it ends.
    """
    keys, log = _prepare_files(settings), settings.logs / "postgres.log"
    with ExitStack() as stack:
        with step("PostgreSQL"):
            starting = running_postgres(settings.folder / "postgres", log, keep=settings.keep_database)
            postgres = stack.enter_context(starting)
            postgres.ensure_database(DATABASE)
        airflow = partial(_command, settings, airflow_environment(settings, keys, postgres.url(DATABASE)))
        _migrate(airflow("db", "migrate"), postgres, step)
        api, processes = AirflowApi(settings.url, USER, keys.admin_password), [postgres.process]
        with step("Airflow API server"):
            processes += stack.enter_context(running_all(airflow("api-server", "--workers", "1")))
            wait_until(api.is_healthy, processes, READY_S)
        for connection in (*settings.connections, _ledger_connection(postgres)):
            api.put_connection(connection)
        with step("Airflow scheduler and DAG processor"):
            since = datetime.now(UTC)
            # The API server reads the tasks' logs from the disk, because a log server would listen on all addresses.
            together = running_all(airflow("dag-processor"), airflow("scheduler", "--skip-serve-logs"))
            processes += stack.enter_context(together)
            wait_until(lambda: api.is_scheduling(since), processes, READY_S)
        yield AirflowAddress(settings.url, USER, keys.admin_password, postgres, tuple(processes))


def _prepare_files(settings: AirflowSettings) -> Keys:
    keys = load_keys(settings.folder / "keys.json")
    for folder in (settings.folder / "airflow", settings.staging):
        folder.mkdir(mode=0o700, exist_ok=True)
    write_secret(settings.folder / "airflow" / "passwords.json", json.dumps({USER: keys.admin_password}))
    return keys


def _command(settings: AirflowSettings, environment: Mapping[str, str], *words: str) -> Command:
    return Command(
        name=f"airflow {words[0]}",
        argv=(sys.executable, "-m", "airflow", *words),
        environment=environment,
        log=settings.logs / f"airflow-{words[0]}.log",
        cwd=settings.folder,
    )


def _migrate(command: Command, postgres: PostgresAddress, step: Step) -> None:
    """Migrate Airflow's database, and the ledger, to the installed versions.

    `airflow db migrate` takes seconds even if there is nothing to do. Its success is recorded as the comment of the
    database itself, so that the record cannot be about another database.
    """
    note = f"migrated by apache-airflow-core {version('apache-airflow-core')}"
    sql = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    if postgres.query(sql, (DATABASE,)) != note:
        with step("Airflow's database"):
            run_to_end(command)
            postgres.query(f'COMMENT ON DATABASE "{DATABASE}" IS %s', (note,))
    with step("Ledger"):
        postgres.ensure_database(LEDGER)
        engine = make_engine(postgres.url(LEDGER))
        migrate(engine)
        engine.dispose()


def _ledger_connection(postgres: PostgresAddress) -> Connection:
    kind = "collective_insights_ledger"
    return Connection(kind, str(postgres.socket), conn_type=kind, login=POSTGRES_USER, schema=LEDGER)
