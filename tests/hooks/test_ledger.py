"""An Airflow Connection to the ledger, and its errors, each in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.models.connection import Connection
from sqlalchemy import URL, text

from ci_operators.core.errors import ConfigurationError, LedgerError
from ci_operators.hooks.ledger import CONN_TYPE, LedgerHook, ledger_address, ledger_engine, open_ledger
from ci_operators.ledger.access import make_engine
from ci_operators.ledger.version import NEEDED_VERSION, VERSION_TABLE
from tests.ledger_database import airflow_connection


def connect(monkeypatch: pytest.MonkeyPatch, connection: dict[str, object] | str) -> None:
    value = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_TEST", value)


@pytest.mark.parametrize(
    "connection",
    [
        {"conn_type": CONN_TYPE, "host": "db", "port": 5433, "login": "ci", "password": "p@ss", "schema": "ledger"},
        {"conn_type": CONN_TYPE, "host": " db", "port": 5433, "login": "ci", "password": "p@ss", "schema": "ledger "},
        "collective-insights-ledger://ci:p%40ss@db:5433/ledger",
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


def test_parameters_of_libpq_may_be_in_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "unknown": "x"}
    connect(monkeypatch, {"conn_type": "postgres", "host": "db", "schema": "ledger", "extra": extra})
    assert ledger_engine("ledger_test").url.query == {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}


@pytest.mark.parametrize("port", [{}, {"port": None}, {"port": 0}])
def test_without_a_port_it_is_the_postgresql_port(monkeypatch: pytest.MonkeyPatch, port: dict[str, object]) -> None:
    connect(monkeypatch, {"conn_type": CONN_TYPE, "host": "db", "schema": "ledger", **port})
    assert str(ledger_engine("ledger_test").url) == "postgresql+psycopg2://db/ledger"


@pytest.mark.parametrize(
    ("extra", "schema"), [({}, None), ({"ledger_schema": None}, None), ({"ledger_schema": " emea "}, "emea")]
)
def test_empty_form_fields_are_not_required(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], schema: str | None
) -> None:
    extra |= {"sslmode": None, "sslrootcert": ""}
    connect(monkeypatch, {"conn_type": CONN_TYPE, "host": "db", "schema": "ledger", "extra": extra})
    assert ledger_address("ledger_test") == (URL.create("postgresql", host="db", database="ledger"), schema)


@pytest.mark.parametrize("field", ["host", "schema"])
@pytest.mark.parametrize("pasted", ["postgresql://ci:p@ss@db:5432/ledger", "ci:p@ss@db"])
def test_a_pasted_url_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch, field: str, pasted: str) -> None:
    connect(monkeypatch, {"conn_type": CONN_TYPE, "host": "db", "schema": "ledger", field: pasted})
    with pytest.raises(ConfigurationError, match=f"^Connection ledger_test: {field} .*contains a whole URL") as refusal:
        ledger_engine("ledger_test")
    assert "p@ss" not in str(refusal.value)


def test_a_socket_without_a_file_is_not_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, {"conn_type": CONN_TYPE, "host": "@ledger", "schema": "ledger"})
    assert ledger_engine("ledger_test").url.host == "@ledger"


def test_a_migrated_ledger_can_be_read(monkeypatch: pytest.MonkeyPatch, ledger_url: URL) -> None:
    connect(monkeypatch, airflow_connection(ledger_url))
    with open_ledger("ledger_test") as connection:
        assert connection.execute(text("SELECT count(*) FROM detection")).scalar() == 0


def test_a_missing_connection_is_named_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"ledger_emea does not exist .* Otherwise create it with conn"):
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
    with pytest.raises(LedgerError, match="The ledger's database: ") as error, open_ledger("ledger_test"):
        pass
    assert "p@ss" not in str(error.value)


def test_connection_test_reports_the_schema_version(monkeypatch: pytest.MonkeyPatch, ledger_url: URL) -> None:
    for conn_type in (CONN_TYPE, "postgres"):
        connection = json.loads(airflow_connection(ledger_url)) | {"conn_type": conn_type}
        connect(monkeypatch, connection)
        sentence = f"it answers, and its schema has the version of this code ({NEEDED_VERSION})."
        assert LedgerHook("ledger_test").check() == sentence
        assert LedgerHook("ledger_test").test_connection() == (True, f"Ledger: {sentence}")


def test_connection_test_reports_the_fix(monkeypatch: pytest.MonkeyPatch, empty_database: URL) -> None:
    connect(monkeypatch, airflow_connection(empty_database))
    none = "The ledger has no tables yet: run `python -m ci_operators ledger migrate`."
    assert LedgerHook("ledger_test").test_connection() == (False, none)
    with make_engine(empty_database).begin() as connection:
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} AS SELECT '0001' AS version_num"))
    older = f"The ledger's schema (0001) is older than this code's ({NEEDED_VERSION}): run `python -m ci_operators"
    works, words = LedgerHook("ledger_test").test_connection()
    assert not works
    assert words.startswith(older)


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        ({"host": "127.0.0.1", "port": 1}, "The ledger's database: "),
        ({"host": "127.0.0.1", "port": 1, "extra": {"sslmode": "sometimes"}}, "The ledger's database: invalid sslmode"),
        ({"host": "ci:p@ss@db"}, "This Connection: host contains a whole URL. "),
        ({"conn_type": "mysql", "host": "db"}, "The ledger needs PostgreSQL, not mysql."),
    ],
)
def test_connection_test_shows_no_secret_and_not_the_button_s_random_id(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], sentence: str
) -> None:
    connect(monkeypatch, {"conn_type": CONN_TYPE, "login": "ci", "password": "p@ss", "schema": "ledger", **connection})
    works, words = LedgerHook("ledger_test").test_connection()
    assert not works
    assert words.startswith(sentence)
    assert "p@ss" not in words
    assert "ledger_test" not in words


def test_a_missing_connection_does_not_raise_in_the_button() -> None:
    works, words = LedgerHook("nowhere").test_connection()
    assert not works
    assert words.startswith("This Connection does not exist")
    assert f"create it with conn type {CONN_TYPE}" in words


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # Airflow's own, in Connection.get_hook
def test_airflow_tests_a_connection_of_our_type_by_our_hook(monkeypatch: pytest.MonkeyPatch, ledger_url: URL) -> None:
    """As Airflow's API does: the Connection is in the environment as a URI, under a random id."""
    fields: dict[str, Any] = json.loads(airflow_connection(ledger_url))
    extra = json.dumps({"ledger_schema": None, "sslmode": "prefer", "sslrootcert": None})
    stored: Any = Connection(conn_id="ledger_test", **fields, extra=extra)
    connect(monkeypatch, stored.get_uri())
    works, words = stored.test_connection()
    assert (works, words) == (
        True,
        f"Ledger: it answers, and its schema has the version of this code ({NEEDED_VERSION}).",
    )
