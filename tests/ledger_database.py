"""A ledger for the tests, in a real PostgreSQL: the one LEDGER_TEST_URL names, else an embedded one.

Each session has a new database; each test finds it migrated and empty.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from ci_operators.ledger import tables
from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate
from local_airflow.postgres import running_postgres

VARIABLE = "LEDGER_TEST_URL"
_TABLES = tables.metadata.sorted_tables
#: Empties small tables ten times as fast as TRUNCATE, in one message. What waits goes first: a trigger counts it.
_EMPTY = [str(table.delete()) for table in sorted(reversed(_TABLES), key=lambda table: table.name != "waiting")]
_EMPTY += [f"SELECT setval('{table.name}_id_seq', 1, false)" for table in _TABLES if table.c[0].identity is not None]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The address of a PostgreSQL in which databases can be made."""
    with open_server(tmp_path_factory.mktemp("ledger")) as url:
        yield url


@contextmanager
def open_server(folder: Path) -> Iterator[URL]:
    """Give the address of a PostgreSQL in which databases can be made, started below `folder` if none is named."""
    if given := os.environ.get(VARIABLE):
        yield make_url(given).set(drivername="postgresql+psycopg2")
        return
    with running_postgres(folder / "postgres", folder / "postgres.log", keep=False) as postgres:
        yield make_url(postgres.url("postgres"))


@contextmanager
def new_database(server: URL) -> Iterator[URL]:
    """Give the address of a new, empty database; it is dropped at the end."""
    name = f"ledger_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(_with_database(server), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.set(database=name)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def empty_database(postgres_url: URL) -> Iterator[URL]:
    """A database without any table."""
    with new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_database(postgres_url: URL) -> Iterator[URL]:
    """The session's ledger."""
    with new_database(postgres_url) as url:
        migrate(make_engine(url))
        yield url


@pytest.fixture
def ledger_url(migrated_database: URL) -> URL:
    """The address of a ledger without rows."""
    empty_ledger(make_engine(migrated_database))
    return migrated_database


def empty_ledger(engine: Engine) -> None:
    """Delete all rows of a ledger, and begin to number them at 1 again."""
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(_EMPTY))


@pytest.fixture
def ledger_engine(ledger_url: URL) -> Engine:
    """An engine for a ledger without rows."""
    return make_engine(ledger_url)


@pytest.fixture
def ledger_connection(ledger_engine: Engine) -> Iterator[Connection]:
    """A connection to a ledger without rows."""
    with ledger_engine.connect() as connection:
        yield connection


def airflow_connection(url: URL) -> str:
    """Return an Airflow Connection to a database, as a variable of the environment has it."""
    fields = {
        "conn_type": "collective_insights_ledger",
        "host": url.query.get("host") or url.host,
        "port": url.port,
        "login": url.username,
        "password": url.password,
        "schema": url.database,
    }
    return json.dumps({name: value for name, value in fields.items() if value})


def _with_database(server: URL) -> URL:
    return server if server.database else server.set(database="postgres")
