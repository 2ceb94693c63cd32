"""A whole Airflow on loopback: PostgreSQL, API server, scheduler with LocalExecutor, DAG processor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate
from demo.airflow_api import AirflowApi
from demo.environment import airflow_environment
from demo.keys import Keys, load_keys, write_secret
from demo.places import remove_temporary_folder
from demo.postgres import POSTGRES_USER, PostgresAddress, running_postgres
from demo.postgres_home import prepare_home
from demo.processes import ChildProcess, Command, end_all, run_to_end, wait_until
from demo.settings import USER, AirflowSettings, Connection
from demo.steps import QUIET, Progress

DATABASE: Final = "airflow"
LEDGER: Final = "ledger"
READY_S: Final = 180.0


@dataclass(frozen=True)
class AirflowAddress:
    """A running Airflow: how to reach it and which processes it consists of."""

    url: str
    user: str
    password: str
    postgres: PostgresAddress
    processes: tuple[ChildProcess, ...]

    def api(self) -> AirflowApi:
        """Returns a client of its REST API."""
        return AirflowApi(self.url, self.user, self.password)


@contextmanager
def running_airflow(
    settings: AirflowSettings, progress: Progress = QUIET, hold: Sequence[int] = ()
) -> Iterator[AirflowAddress]:
    """Start an Airflow, yield its address once it schedules, and end it.

    Everything is below `settings.folder`, and a second start goes on with the first one's data. The processes
    end with this one, however it ends; they keep the file descriptors of `hold` open until then.
    """
    try:
        with ExitStack() as stack:
            yield _start(settings, progress, hold, stack)
    finally:
        if not settings.keep_database:
            remove_temporary_folder(settings.folder / "postgres")


def _start(settings: AirflowSettings, progress: Progress, hold: Sequence[int], stack: ExitStack) -> AirflowAddress:
    keys = _prepare_files(settings)
    with progress.step("PostgreSQL"):
        home = prepare_home(settings.folder / "postgres")
        postgres, server = stack.enter_context(running_postgres(home, settings.logs / "postgres.log", hold))
        postgres.ensure_database(DATABASE)
    environment = airflow_environment(settings, keys, postgres.url(DATABASE))
    starter = _Starter(settings, environment, tuple(hold), stack, [server])
    api = AirflowApi(settings.url, USER, keys.admin_password)
    _migrate(starter, postgres, progress)
    _prepare_ledger(postgres, progress)
    with progress.step("Airflow API server"):
        starter.start(["api-server", "--workers", "1"])
        wait_until(api.is_healthy, starter.children, READY_S)
    for connection in (*settings.connections, _ledger_connection(postgres)):
        api.put_connection(connection)
    with progress.step("Airflow scheduler and DAG processor"):
        since = datetime.now(UTC)
        # The API server reads the tasks' logs from the disk; a log server would listen on all addresses.
        starter.start(["dag-processor"], ["scheduler", "--skip-serve-logs"])
        wait_until(lambda: api.is_scheduling(since), starter.children, READY_S)
    return AirflowAddress(settings.url, USER, keys.admin_password, postgres, tuple(starter.children))


@dataclass(frozen=True)
class _Starter:
    """Starts Airflow's commands with one environment; they are ended in the opposite order."""

    settings: AirflowSettings
    environment: dict[str, str]
    hold: tuple[int, ...]
    stack: ExitStack
    children: list[ChildProcess]

    def command(self, words: Sequence[str]) -> Command:
        """Returns `airflow <words>`."""
        return Command(
            name=f"airflow {words[0]}",
            argv=(sys.executable, "-m", "airflow", *words),
            environment=self.environment,
            log=self.settings.logs / f"airflow-{words[0]}.log",
            cwd=self.settings.folder,
        )

    def start(self, *commands: Sequence[str]) -> None:
        """Start Airflow's commands and have them ended together."""
        together: list[ChildProcess] = []
        self.stack.callback(end_all, together)
        for words in commands:
            together.append(ChildProcess(self.command(words), self.hold))
        self.children.extend(together)


def _prepare_files(settings: AirflowSettings) -> Keys:
    keys = load_keys(settings.folder / "keys.json")
    for folder in (settings.folder / "airflow", settings.staging):
        folder.mkdir(mode=0o700, exist_ok=True)
    write_secret(settings.folder / "airflow" / "passwords.json", json.dumps({USER: keys.admin_password}))
    return keys


def _migrate(starter: _Starter, postgres: PostgresAddress, progress: Progress) -> None:
    """Bring the database to this Airflow's version.

    `airflow db migrate` takes seconds even when there is nothing to do. That it succeeded is noted in the
    database itself, as its comment, so that the note can never speak of another database.
    """
    note = f"migrated by apache-airflow-core {version('apache-airflow-core')}"
    sql = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    if postgres.query(sql, (DATABASE,)) == note:
        return
    with progress.step("Airflow's database"):
        run_to_end(starter.command(["db", "migrate"]), starter.hold)
        postgres.query(f'COMMENT ON DATABASE "{DATABASE}" IS %s', (note,))


def _prepare_ledger(postgres: PostgresAddress, progress: Progress) -> None:
    """Make the connectors' ledger, or bring it to this code's version."""
    with progress.step("Ledger"):
        postgres.ensure_database(LEDGER)
        engine = make_engine(postgres.url(LEDGER))
        migrate(engine)
        engine.dispose()


def _ledger_connection(postgres: PostgresAddress) -> Connection:
    kind = "collective_insights_ledger"
    return Connection(kind, str(postgres.socket), conn_type=kind, login=POSTGRES_USER, schema=LEDGER)
