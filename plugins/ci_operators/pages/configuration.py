"""Read access to the connectors file and the ledgers for the API server, which runs for weeks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection

from ci_operators.connectors_file import ConnectorsFile, connectors_path, load_connectors
from ci_operators.core.errors import ConfigurationError
from ci_operators.hooks.ledger import ledger_address
from ci_operators.ledger.access import make_reader, open_connection

#: Cached, because the API server keeps a few connections to each ledger.
_make_reader = lru_cache(maxsize=32)(make_reader)


@contextmanager
def open_reader(conn_id: str) -> Iterator[Connection]:
    """Yield a read-only connection to a ledger. Raises the errors of `hooks.ledger.open_ledger`."""
    with open_connection(_make_reader(*ledger_address(conn_id))) as connection:
        yield connection


def current_file() -> ConnectorsFile:
    """Return the current content of the connectors file. Raises ConfigurationError if it cannot be read."""
    path = connectors_path()
    try:
        found = path.stat()
    except OSError as err:
        raise ConfigurationError(
            f"The API server cannot read the connectors file {path} ({err.strerror}). It needs the same file as "
            "the workers: set COLLECTIVE_INSIGHTS_CONFIG."
        ) from None
    return _load(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _load(path: Path, changed_ns: int, size: int) -> ConnectorsFile:
    del changed_ns, size  # they are in the cache key, so that a changed file is read again
    return load_connectors(path)
