"""Open the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from ci_operators.core.errors import ConfigurationError, LedgerError
from ci_operators.ledger.version import check_version

log = logging.getLogger(__name__)

#: Client and server end a session after a minute and a half without an answer, so that a worker that vanished does not
#: hold its connector's lock for hours. Seconds, except the user time-out, which has milliseconds. Statements are short
#: and not worth compiling.
_CLIENT_SETTINGS = {
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 90_000,
}
_SERVER_SETTINGS = {
    "lock_timeout": "60s",
    "statement_timeout": "10min",
    "jit": "off",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "90s",
}
#: For read-only use by somebody who waits: it gives up early, and leaves the server's processors to others.
_READER_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "work_mem": "32MB",
    "max_parallel_workers_per_gather": "0",
}
READERS = 4
#: Seconds until a reader gets the error that all connections are in use.
READER_WAIT_S = 10.0
#: The isolation level that the ledger's statements need, whatever the default of the database or role is.
_ISOLATION = "READ COMMITTED"
#: Characters of an error of the driver.
_LONGEST = 400
#: SQLSTATEs of this class quote the value in their sentence.
_DATA_EXCEPTION = "22"


def make_engine(url: str | URL, schema: str | None = None) -> Engine:
    """Return an engine for the ledger in PostgreSQL. schema: the ledger's schema in a shared database."""
    return create_engine(
        _address(url), poolclass=NullPool, isolation_level=_ISOLATION, connect_args=_arguments(schema, {})
    )


def make_reader(url: str | URL, schema: str | None = None) -> Engine:
    """Return a read-only engine for the pages. Threads share a few connections that stay open."""
    engine = create_engine(
        _address(url),
        isolation_level=_ISOLATION,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=READER_WAIT_S,
        pool_pre_ping=True,  # the database can have been restarted
        pool_recycle=3600,
        connect_args=_arguments(schema, _READER_SETTINGS),
    )
    event.listen(engine, "handle_error", _hide_address)
    return engine


def _hide_address(context: ExceptionContext) -> None:
    """Replace the database's error, since the reader of a page need not learn where the ledger is."""
    error = context.original_exception
    is_broken = isinstance(context.sqlalchemy_exception, OperationalError | InterfaceError)
    # A connection that is tested before use may have ended: then another one is opened.
    if is_broken and not context.is_pre_ping and getattr(error, "pgcode", None) is None:
        log.warning("A ledger does not answer: %s", " ".join(str(error).split()))
        raise LedgerError("The ledger does not answer.") from None


def _address(url: str | URL) -> URL:
    address = make_url(url)
    if not address.drivername.startswith("postgres"):
        raise ConfigurationError(f"The ledger needs PostgreSQL, not {address.drivername}.")
    return address.set(drivername="postgresql+psycopg2")


def _arguments(schema: str | None, more: Mapping[str, str]) -> dict[str, object]:
    settings = {**_SERVER_SETTINGS, **more, **({"search_path": schema} if schema else {})}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {**_CLIENT_SETTINGS, "options": options, "application_name": "collective-insights"}


@contextmanager
def open_connection(engine: Engine) -> Iterator[Connection]:
    """Yield a connection after checking the schema's version, and turn the database's errors into ours.

    A session that ended is not replaced: its locks are gone, and its user would not notice.
    """
    with speak_plainly():
        connection = engine.connect()
    with connection:
        event.listen(connection, "begin", _refuse_replaced)
        with speak_plainly():
            check_version(connection)
            connection.rollback()
        yield connection


def _refuse_replaced(connection: Connection) -> None:
    """Raise LedgerError where SQLAlchemy would replace a session that ended."""
    if connection.invalidated:
        raise LedgerError("The ledger's database: the session has ended. The next try opens another one.")


@contextmanager
def speak_plainly() -> Iterator[None]:
    """Turn an error of the database into a LedgerError of one sentence, without statement and values."""
    try:
        yield
    except PoolTimeoutError:
        raise LedgerError("The ledger's connections are all in use; try again.") from None
    except (SQLAlchemyError, psycopg2.Error) as err:  # type: ignore[attr-defined]  # psycopg2 has no types
        words = _find_words(getattr(err, "orig", None) or err)
        raise LedgerError(f"The ledger's database: {words}") from None


def _shorten(words: str) -> str:
    """Return the first sentences, up to a line or two. Longer text is cut after a word and ends with dots."""
    if len(words) <= _LONGEST:
        return words
    head, dot, _ = words[:_LONGEST].rpartition(". ")
    return head + dot.strip() if dot else words[:_LONGEST].rpartition(" ")[0] + " ..."


def _find_words(error: Any) -> str:
    """Return the database's own sentence, without details and context, which contain values."""
    code = getattr(error, "pgcode", None)
    if code is None:
        return _shorten(" ".join(str(error).split()))
    if code.startswith(_DATA_EXCEPTION):
        return f"it refuses a value (SQLSTATE {code})."
    return f"{error.diag.message_primary} (SQLSTATE {code})."
