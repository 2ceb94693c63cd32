"""A ledger that is away: nobody may connect to its database, and who was there is thrown out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.pool import NullPool

_END = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name")


def stop(url: URL) -> None:
    """Let nobody in, and end who is there."""
    with _administrator(url).connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        connection.execute(_END, {"name": url.database})


def start(url: URL) -> None:
    """Let everybody in again."""
    with _administrator(url).connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))


def throw_out(url: URL) -> None:
    """End all connections, as a restart of the server does."""
    with _administrator(url).connect() as connection:
        connection.execute(_END, {"name": url.database})


@contextmanager
def stopped(url: URL) -> Iterator[None]:
    """Keep the ledger away."""
    stop(url)
    try:
        yield
    finally:
        start(url)


def _administrator(url: URL) -> Engine:
    return create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
