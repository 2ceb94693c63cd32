"""A ledger that is away: nobody may connect to its database, and who was there is thrown out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
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


@dataclass
class LostSession:
    """Ends a connection's session at the n-th of its instants.

    Before each transaction, after each statement in it, and after its commit, of which the client then learns nothing.

    Then `meanwhile` happens, before the connection's user goes on. Without n it counts the instants.
    """

    nth: int = 0
    meanwhile: Callable[[], None] = lambda: None
    passed: int = 0

    def watch(self, connection: Connection) -> None:
        """Look on from now on. The connection's engine must be its own."""
        pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        dialect: Any = connection.engine.dialect
        commit = dialect.do_commit

        def reach(*_: object) -> None:
            self.passed += 1
            if self.passed == self.nth:
                end_session(connection.engine.url, pid)
                self.meanwhile()

        def commit_unheard(dbapi_connection: Any) -> None:
            commit(dbapi_connection)
            reach()
            if self.passed == self.nth:
                error = psycopg2.OperationalError  # type: ignore[attr-defined]  # psycopg2 has no types
                raise error("server closed the connection unexpectedly")

        dialect.do_commit = commit_unheard
        for name in ("begin", "after_cursor_execute"):
            event.listen(connection, name, reach)


def end_session(url: URL, pid: int) -> None:
    """End one session, and wait until it is gone. The server's own wait looks only ten times a second."""
    with _administrator(url).connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        while connection.scalar(text("SELECT 1 FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}):
            time.sleep(0.002)
