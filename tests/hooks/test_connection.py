"""Why an Airflow Connection is missing: it does not exist, or Airflow cannot decrypt it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow import settings
from airflow.models.connection import Connection
from airflow.models.crypto import get_fernet
from airflow.sdk import BaseHook
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

from ci_operators.core.errors import ConfigurationError
from ci_operators.hooks.connection import find_connection
from ci_operators.hooks.vendor import VendorHook
from ci_operators.sources.sentinelone.api import API as SENTINELONE
from tests.airflow_home import on_3_2

MISSING = "Connection okta_emea does not exist"


@pytest.fixture
def server(empty_database: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A process with access to Airflow's database, which has the Connection okta_default."""
    engine = create_engine(empty_database)
    Connection.metadata.create_all(engine, [Connection.metadata.tables["team"], Connection.__table__])
    session = scoped_session(sessionmaker(engine))
    monkeypatch.setattr(settings, "Session", session)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    use_key(monkeypatch, "v" * 43 + "=")
    session.add(Connection("okta_default", "okta", password="secret"))
    session.add(Connection("okta_oauth", "okta", extra='{"private_key": "secret"}'))
    session.commit()
    session.remove()
    yield monkeypatch
    session.remove()
    get_fernet.cache_clear()
    engine.dispose()


def use_key(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", key)
    get_fernet.cache_clear()


def find(conn_id: str) -> str | None:
    """Return the password of the Connection."""
    return find_connection(conn_id, BaseHook.get_connection, "create it.").password


@on_3_2
def test_the_reason_is_certain_with_access_to_the_database(server: pytest.MonkeyPatch) -> None:
    assert find("okta_default") == "secret"
    with pytest.raises(ConfigurationError, match=rf"^{MISSING}: create it\.$"):
        find("okta_emea")
    use_key(server, "w" * 43 + "=")
    for name in ("okta_default", "okta_oauth"):
        with pytest.raises(ConfigurationError, match=f"^Connection {name} cannot be decrypted: FERNET_KEY"):
            find(name)


@on_3_2
def test_a_task_names_both_reasons(server: pytest.MonkeyPatch) -> None:
    def block() -> None:
        raise RuntimeError("Direct database access via the ORM is not allowed in Airflow 3.0")

    server.setattr(settings, "Session", block)  # a task of LocalExecutor
    with pytest.raises(ConfigurationError, match=rf"^{MISSING} or cannot be decrypted\. .* Otherwise create it\.$"):
        find("okta_emea")
    server.delenv("_AIRFLOW_PROCESS_CONTEXT")  # a task of Celery
    with pytest.raises(ConfigurationError, match=rf"^{MISSING} or cannot be decrypted\. .* Otherwise create it\.$"):
        find("okta_emea")


def test_a_vendors_connection_is_named_with_what_to_create() -> None:
    with pytest.raises(ConfigurationError, match="sentinelone_emea does not exist or") as refusal:
        VendorHook(SENTINELONE, "sentinelone_emea").get_client()
    assert str(refusal.value).endswith(
        "Otherwise create it under Admin > Connections with the URL of SentinelOne as host and the API token as "
        "password."
    )
