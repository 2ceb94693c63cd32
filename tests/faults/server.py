"""A PostgreSQL for a program of the tests that runs by itself; tests have fixtures (tests/ledger_database.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

from local_airflow.postgres import running_postgres
from tests.ledger_database import VARIABLE


@contextmanager
def open_server(folder: Path) -> Iterator[URL]:
    """Give the address of a PostgreSQL in which databases can be made, started below `folder` if none is named."""
    if given := os.environ.get(VARIABLE):
        yield make_url(given).set(drivername="postgresql+psycopg2")
        return
    with running_postgres(folder / "postgres", folder / "postgres.log", keep=False) as postgres:
        yield make_url(postgres.url("postgres"))
