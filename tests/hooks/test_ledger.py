"""An Airflow Connection to the ledger, and what is wrong with it in a sentence."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import URL, text

from ci_operators.core.errors import ConfigurationError, UnavailableError
from ci_operators.hooks.ledger import ledger_engine, open_ledger
from tests.ledger_database import airflow_connection


def connect(monkeypatch: pytest.MonkeyPatch, connection: dict[str, object] | str) -> None:
    value = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_TEST", value)


@pytest.mark.parametrize(
    "connection",
    [
        {"conn_type": "postgres", "host": "db", "port": 5433, "login": "ci", "password": "p@ss", "schema": "ledger"},
        "postgres://ci:p%40ss@db:5433/ledger",
        "postgresql://ci:p%40ss@db:5433/ledger",
    ],
)
def test_every_form_of_a_connection_gives_the_same_engine(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object] | str
) -> None:
    connect(monkeypatch, connection)
    url = ledger_engine("ledger_test").url
    assert url == URL.create("postgresql+psycopg2", "ci", "p@ss", "db", 5433, "ledger")
    assert "p@ss" not in f"{url} {ledger_engine('ledger_test')!r}"


def test_parameters_of_libpq_may_stand_in_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "unknown": "x"}
    connect(monkeypatch, {"conn_type": "postgres", "host": "db", "schema": "ledger", "extra": extra})
    assert ledger_engine("ledger_test").url.query == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}


def test_a_migrated_ledger_can_be_read(monkeypatch: pytest.MonkeyPatch, ledger_url: URL) -> None:
    connect(monkeypatch, airflow_connection(ledger_url))
    with open_ledger("ledger_test") as connection:
        assert connection.execute(text("SELECT count(*) FROM detection")).scalar() == 0


def test_a_missing_connection_is_named_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="ledger_emea does not exist: a live connector needs the ledger"):
        ledger_engine("ledger_emea")


def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, {"conn_type": "mysql", "host": "db"})
    with pytest.raises(ConfigurationError, match="needs PostgreSQL, not mysql"):
        ledger_engine("ledger_test")


def test_a_ledger_without_tables_is_refused(monkeypatch: pytest.MonkeyPatch, empty_database: URL) -> None:
    connect(monkeypatch, airflow_connection(empty_database))
    with pytest.raises(ConfigurationError, match="ledger migrate"), open_ledger("ledger_test"):
        pass


def test_a_database_that_does_not_answer_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "ci", "password": "p@ss"})
    with pytest.raises(UnavailableError, match="The ledger's database: ") as error, open_ledger("ledger_test"):
        pass
    assert "p@ss" not in str(error.value)
