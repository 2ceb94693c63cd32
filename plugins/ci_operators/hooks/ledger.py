"""The hook of the ledger, and the ledger's address from an Airflow Connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseHook
from sqlalchemy import URL, Connection, Engine

from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError
from ci_operators.hooks.connection import find_connection
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.version import NEEDED_VERSION

CONN_TYPE = "collective_insights_ledger"
_CREATE = (
    f"create it with conn type {CONN_TYPE}, and run `python -m ci_operators ledger migrate`: a live connector needs "
    f"the ledger, so that nothing is sent twice."
)
#: libpq parameters that are read from the Connection's extra.
_PARAMETERS = ("host", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "service")


class LedgerHook(BaseHook):
    """Opens the ledger.

    :param ledger_conn_id: Airflow Connection with host, login, password, port, and database (schema) of PostgreSQL.
    """

    conn_name_attr = "ledger_conn_id"
    default_conn_name = "collective_insights_ledger"
    conn_type = CONN_TYPE
    hook_name = "Collective Insights ledger"

    def __init__(self, ledger_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.ledger_conn_id = ledger_conn_id

    def get_conn(self) -> Engine:
        """Return an engine for the ledger; nothing is connected yet."""
        return ledger_engine(self.ledger_conn_id)

    def check(self) -> str:
        """Return a sentence if the ledger answers and has the right schema. Raises CollectiveInsightsErrors."""
        with open_ledger(self.ledger_conn_id):
            return f"it answers, and its schema has the version of this code ({NEEDED_VERSION})."

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the check succeeded, and a sentence, for the Test button in Airflow's UI.

        The button's Connection has a random id, so the sentence does not name it.
        """
        try:
            return True, f"Ledger: {self.check()}"
        except CollectiveInsightsError as err:
            return False, str(err).replace(f"Connection {self.ledger_conn_id}", "This Connection")


@contextmanager
def open_ledger(conn_id: str) -> Iterator[Connection]:
    """Yield a connection to the ledger, after checking its schema.

    Raises ConfigurationError with the Connection's name if it is missing, or if its schema has another version.
    """
    with open_connection(ledger_engine(conn_id)) as connection:
        yield connection


def ledger_engine(conn_id: str) -> Engine:
    """Return an engine for the ledger that the Connection names; nothing is connected yet."""
    return make_engine(*ledger_address(conn_id))


def ledger_address(conn_id: str) -> tuple[URL, str | None]:
    """Return URL and schema of the ledger that the Connection names.

    Its type is `collective_insights_ledger` or `postgres`, with the same fields. Its extra can contain libpq
    parameters, and `ledger_schema` for a separate schema in a shared database. The default port is 5432.
    """
    connection = find_connection(conn_id, BaseHook.get_connection, _CREATE)
    extra: dict[str, Any] = connection.extra_dejson
    url = URL.create(
        _name_driver(connection.conn_type or CONN_TYPE),
        username=connection.login or None,
        password=connection.password or None,
        host=_read_name(connection.host, f"Connection {conn_id}: host"),
        port=connection.port or None,
        database=_read_name(connection.schema, f"Connection {conn_id}: schema (in the form: Database)"),
        query={name: str(extra[name]) for name in _PARAMETERS if extra.get(name)},
    )
    return url, str(extra.get("ledger_schema") or "").strip() or None


def _name_driver(conn_type: str) -> str:
    is_ours = conn_type == CONN_TYPE or conn_type.startswith("postgres")
    return "postgresql" if is_ours else conn_type


def _read_name(text: str | None, label: str) -> str | None:
    """Return the name in a field. Rejects a pasted URL, which libpq would quote with its password in an error."""
    name = (text or "").strip()
    if "://" in name or "@" in name[1:]:  # an abstract Unix socket begins with @
        raise ConfigurationError(
            f"{label} contains a whole URL. Enter only the name; user, password, and port have their own fields."
        )
    return name or None
