"""Finds an Airflow Connection, or raises an error that says why there is none."""

from __future__ import annotations

import os
from collections.abc import Callable

from airflow.sdk import Connection

from ci_operators.airflow_plugin.versions import AirflowNotFoundException
from ci_operators.core.errors import ConfigurationError


def find_connection(conn_id: str, get: Callable[[str], Connection], create: str) -> Connection:
    """Return the Connection that `get` finds. create: how to create one, such as "create it under …".

    Raises ConfigurationError if there is none, or if Airflow cannot decrypt it. In a task, Airflow reports both as
    "not found" (Airflow 3.3: Connection.get_connection_from_secrets), so the error names both.
    """
    try:
        return get(conn_id)
    except AirflowNotFoundException:
        name, has_another_key = f"Connection {conn_id}", _is_encrypted_otherwise(conn_id)
    if has_another_key:
        raise ConfigurationError(
            f"{name} cannot be decrypted: FERNET_KEY is not the key that encrypted it. Restore that key, or enter the "
            f"Connection's secrets again."
        )
    if has_another_key is False:
        raise ConfigurationError(f"{name} does not exist: {create}")
    raise ConfigurationError(
        f"{name} does not exist or cannot be decrypted. If Admin > Connections lists it, FERNET_KEY is not the key "
        f"that encrypted it: restore that key, or enter the Connection's secrets again. Otherwise {create}"
    )


def _is_encrypted_otherwise(conn_id: str) -> bool | None:
    """Return whether the Connection was encrypted with another key, None in a process without Airflow's database."""
    if os.environ.get("_AIRFLOW_PROCESS_CONTEXT") != "server":
        return None
    from cryptography.fernet import InvalidToken
    from sqlalchemy.exc import SQLAlchemyError

    from ci_operators.airflow_plugin.compat import MetastoreBackend  # slow to import, like the others

    try:
        found = MetastoreBackend().get_connection(conn_id)  # decrypts the password
        if found is not None:
            found.get_extra()
    except InvalidToken:
        return True
    except (SQLAlchemyError, RuntimeError):  # RuntimeError: LocalExecutor's tasks inherit the scheduler's environment
        return None
    return False
