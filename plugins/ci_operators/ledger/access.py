"""Opening the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from ci_operators.core.errors import ConfigurationError, UnavailableError
from ci_operators.ledger.version import check_version

#: Seconds to connect, and milliseconds until PostgreSQL gives up waiting for a lock.
CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_MS = 60_000
#: SQLSTATEs of this class quote the value in their sentence.
_DATA_EXCEPTION = "22"


def make_engine(url: str | URL, schema: str | None = None) -> Engine:
    """Return an engine for the ledger in PostgreSQL; `schema` is a schema of its own in a shared database."""
    address = make_url(url)
    if not address.drivername.startswith("postgres"):
        raise ConfigurationError(f"The ledger needs PostgreSQL, not {address.drivername}.")
    address = address.set(drivername="postgresql+psycopg2")
    options = f"-c lock_timeout={LOCK_TIMEOUT_MS}" + (f" -c search_path={schema}" if schema else "")
    arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "options": options, "application_name": "collective-insights"}
    return create_engine(address, poolclass=NullPool, connect_args=arguments)


@contextmanager
def open_connection(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose schema is the right one, and turn the database's errors into ours."""
    with speak_plainly():
        connection = engine.connect()
    with connection:
        with speak_plainly():
            check_version(connection)
            connection.rollback()
        yield connection


@contextmanager
def speak_plainly() -> Iterator[None]:
    """Turn an error of the database into an UnavailableError of one sentence, without statement and values."""
    try:
        yield
    except (SQLAlchemyError, psycopg2.Error) as err:  # type: ignore[attr-defined]  # psycopg2 has no types
        words = _find_words(getattr(err, "orig", None) or err)
        raise UnavailableError(f"The ledger's database: {words}") from None


def _find_words(error: Any) -> str:
    """Return the database's own sentence, without its lines of details and context: those hold values."""
    code = getattr(error, "pgcode", None)
    if code is None:
        return " ".join(str(error).split())[:200]
    if code.startswith(_DATA_EXCEPTION):
        return f"it refuses a value (SQLSTATE {code})."
    return f"{error.diag.message_primary} (SQLSTATE {code})."
