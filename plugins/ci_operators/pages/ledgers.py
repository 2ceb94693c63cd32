"""The ledgers, for reading: the API server keeps a few connections to each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """The ledgers of some connectors. `problems`: a sentence for each that could not be read.

    Nothing is told of other connectors' ledgers. They are read only for connectors that are in no file any more, and
    may have been in any of them.
    """

    found: ConnectorsFile
    names: Sequence[str]
    problems: list[str] = field(default_factory=list)

    def read_each(self) -> Iterator[Connection]:
        """Yield a connection to each ledger in turn."""
        own = [connector for connector in self.found.connectors if connector.name in self.names]
        is_needed = {each.ledger_conn_id: False for each in own}
        for each in own:
            is_needed[each.ledger_conn_id] |= not each.debug  # what only checks needs no ledger
        gone = set(self.names) - {connector.name for connector in own}
        others = [each.ledger_conn_id for each in self.found.connectors] if gone else []
        for conn_id in dict.fromkeys([*is_needed, *others]):
            with ExitStack() as stack:
                try:
                    connection = stack.enter_context(open_reader(conn_id))
                except CollectiveInsightsError as err:
                    if is_needed.get(conn_id):
                        self.problems.append(str(err))
                    continue
                yield connection
