"""A PostgreSQL for a program of the tests that runs by itself; tests have fixtures (tests/ledger_database.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

from demo.places import remove_temporary_folder
from demo.postgres import running_postgres
from demo.postgres_home import prepare_home
from tests.ledger_database import VARIABLE


@contextmanager
def open_server(folder: Path) -> Iterator[URL]:
    """Give the address of a PostgreSQL in which databases can be made, started below `folder` if none is named."""
    if given := os.environ.get(VARIABLE):
        yield make_url(given).set(drivername="postgresql+psycopg2")
        return
    home = folder / "postgres"
    try:
        with running_postgres(prepare_home(home), folder / "postgres.log") as (address, _child):
            yield make_url(address.url("postgres"))
    finally:
        remove_temporary_folder(home)
