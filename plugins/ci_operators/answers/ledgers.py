"""The ledgers of the connectors that a question is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError, LedgerError

#: Yields a connection to the ledger of an Airflow Connection; raises a CollectiveInsightsError.
OpenLedger = Callable[[str], AbstractContextManager[Connection]]
T = TypeVar("T")


class NoLedgerError(CollectiveInsightsError):
    """The ledger does not answer."""


def group_by_ledger(connectors: Iterable[Connector]) -> dict[str, list[Connector]]:
    """Return the connectors by the Connection of their ledger."""
    groups: dict[str, list[Connector]] = {}
    for connector in connectors:
        groups.setdefault(connector.ledger_conn_id, []).append(connector)
    return groups


@contextmanager
def open_ledger(conn_id: str) -> Iterator[Connection]:
    """Yield a connection to a ledger. Raises NoLedgerError if it does not answer."""
    from ci_operators.hooks import ledger  # needs Airflow: slow to import

    with ExitStack() as stack:
        with name_ledger(conn_id):
            connection = stack.enter_context(ledger.open_ledger(conn_id))
        yield connection


@contextmanager
def name_ledger(conn_id: str) -> Iterator[None]:
    """Turn a LedgerError of the block into a NoLedgerError that names the Connection."""
    try:
        yield
    except LedgerError as err:
        raise NoLedgerError(f"Connection {conn_id}: {err}") from None


def ask_each(
    connectors: Iterable[Connector], open_by: OpenLedger, ask: Callable[[Connection, list[Connector]], T]
) -> tuple[list[T], list[CollectiveInsightsError]]:
    """Return what each ledger of the connectors answers, and the errors of those that do not.

    The error of a ledger is left out if all of its connectors are in debug mode: they do not need it.
    """
    answers, errors = list[T](), list[CollectiveInsightsError]()
    for conn_id, group in group_by_ledger(connectors).items():
        try:
            with open_by(conn_id) as connection:
                answers.append(ask(connection, group))
        except CollectiveInsightsError as err:
            if not all(connector.debug for connector in group):
                errors.append(err)
    return answers, errors
