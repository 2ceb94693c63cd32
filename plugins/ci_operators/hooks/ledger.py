"""The ledger by an Airflow Connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy import URL, Connection, Engine

from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger.access import make_engine, open_connection

#: Parameters of libpq that may stand in the Connection's extra.
_PARAMETERS = ("host", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "service")


@contextmanager
def open_ledger(conn_id: str) -> Iterator[Connection]:
    """Give a connection to the ledger, whose schema has been found right.

    Raises ConfigurationError naming the Connection when it is missing or its schema is another version's.
    """
    with open_connection(ledger_engine(conn_id)) as connection:
        yield connection


def ledger_engine(conn_id: str) -> Engine:
    """Return an engine for the ledger that the Connection names; nothing is connected yet.

    The Connection's fields are those of a `postgres` Connection; extra may hold parameters of libpq, and
    `ledger_schema` for a schema of its own in a shared database.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ConfigurationError(
            f"Airflow Connection {conn_id} does not exist: a live connector needs the ledger, so that nothing is sent "
            "twice. Create it with conn type postgres, and run `python -m ci_operators ledger migrate`."
        ) from None
    extra: dict[str, Any] = connection.extra_dejson
    url = URL.create(
        "postgresql" if (connection.conn_type or "postgres").startswith("postgres") else str(connection.conn_type),
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port,
        database=connection.schema or None,
        query={name: str(extra[name]) for name in _PARAMETERS if extra.get(name)},
    )
    return make_engine(url, extra.get("ledger_schema"))
