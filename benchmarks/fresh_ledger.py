"""A PostgreSQL for one benchmark, and new ledgers in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate
from local_airflow.postgres import PostgresAddress, running_postgres


@contextmanager
def fresh_postgres() -> Iterator[PostgresAddress]:
    """Run an empty PostgreSQL, and delete its files at the end."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with running_postgres(home / "postgres", home / "postgres.log", keep=False) as postgres:
            yield postgres


def make_ledger(postgres: PostgresAddress, name: str = "ledger") -> Engine:
    """Return the engine of a new ledger without connectors and detections."""
    postgres.ensure_database(name)
    engine = make_engine(postgres.url(name))
    migrate(engine)
    return engine
