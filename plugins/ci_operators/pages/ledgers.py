"""The ledgers, for reading: the API server keeps a few connections to each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import URL, Connection, Engine

from ci_operators.connectors_file import ConnectorsFile
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.hooks.ledger import ledger_address
from ci_operators.ledger.access import make_reader, open_connection


@contextmanager
def open_reader(conn_id: str) -> Iterator[Connection]:
    """Give a connection that can only read. Raises the errors of `hooks.ledger.open_ledger`."""
    with open_connection(_reader(*ledger_address(conn_id))) as connection:
        yield connection


@lru_cache(maxsize=32)
def _reader(url: URL, schema: str | None) -> Engine:
    return make_reader(url, schema)


@dataclass
class Ledgers:
    """The ledgers of all connectors of the file. `problems`: a sentence for each that could not be read."""

    found: ConnectorsFile
    problems: list[str] = field(default_factory=list)

    def read_each(self) -> Iterator[Connection]:
        """Yield a connection to each ledger in turn."""
        for conn_id in dict.fromkeys(connector.ledger_conn_id for connector in self.found.connectors):
            with self.attempt(conn_id) as connection:
                if connection is not None:
                    yield connection

    @contextmanager
    def attempt(self, conn_id: str) -> Iterator[Connection | None]:
        """Give a connection to one ledger; None, and a problem if a live connector needs it, when it fails."""
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(open_reader(conn_id))
            except CollectiveInsightsError as err:
                connection = None
                if self._is_needed(conn_id):
                    self.problems.append(str(err))
            yield connection

    def _is_needed(self, conn_id: str) -> bool:
        return any(each.ledger_conn_id == conn_id and not each.debug for each in self.found.connectors)
