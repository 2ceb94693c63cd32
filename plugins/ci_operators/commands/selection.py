"""What a command is about: connectors of the file, their ledgers, a point in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from sqlalchemy import Connection

from ci_operators.commands.terminal import NoLedgerError
from ci_operators.connectors_file import ConnectorsFile, connectors_path, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.duration import read_duration
from ci_operators.core.errors import ConfigurationError, UnavailableError
from ci_operators.core.instant import read_instant


def choose_connectors(found: ConnectorsFile, names: Sequence[str]) -> list[Connector]:
    """Return the connectors of these names, all if none is named. Raises ConfigurationError on one that is none."""
    unknown = sorted(set(names) - {connector.name for connector in found.connectors})
    if unknown:
        known = ", ".join(connector.name for connector in found.connectors) or "none"
        raise ConfigurationError(f"There is no connector {', '.join(unknown)}; there are: {known}.")
    return [connector for connector in found.connectors if not names or connector.name in names]


def load_one(name: str) -> tuple[ConnectorsFile, Connector]:
    """Return the file and the connector of this name."""
    found = load_connectors()
    return found, choose_connectors(found, [name])[0]


def name_ledgers(connectors: Iterable[Connector]) -> list[str]:
    """Return the Connections of the connectors' ledgers, each once."""
    conn_ids = list(dict.fromkeys(connector.ledger_conn_id for connector in connectors))
    if not conn_ids:
        raise ConfigurationError(f"{connectors_path()} has no connector, and so no ledger.")
    return conn_ids


def group_by_ledger(connectors: Iterable[Connector]) -> dict[str, list[Connector]]:
    """Return the connectors by the Connection of their ledger."""
    connectors = list(connectors)
    return {
        conn_id: [connector for connector in connectors if connector.ledger_conn_id == conn_id]
        for conn_id in name_ledgers(connectors)
    }


@contextmanager
def open_ledger(conn_id: str) -> Iterator[Connection]:
    """Give a connection to a ledger; NoLedgerError when it does not answer."""
    from ci_operators.hooks import ledger  # needs Airflow: slow to import

    with ExitStack() as stack:
        try:
            connection = stack.enter_context(ledger.open_ledger(conn_id))
        except UnavailableError as err:
            raise NoLedgerError(f"Connection {conn_id}: {err}") from None
        yield connection


def read_moment(option: str, text: str | None, now: datetime) -> datetime | None:
    """Return the instant of an option: a date and time with a zone, or how long ago."""
    if text is None:
        return None
    try:
        instant, has_zone = read_instant(text)
    except ValueError:
        try:
            return now - read_duration(text)
        except ValueError:
            raise ConfigurationError(
                f"{option} {text[:40]!r} is neither a date and time, such as 2026-03-10T12:00:00Z, nor how long ago, "
                'such as "7 days".'
            ) from None
    if not has_zone:
        raise ConfigurationError(f"{option} {text[:40]!r} names no time zone; write it like 2026-03-10T12:00:00Z.")
    return instant
