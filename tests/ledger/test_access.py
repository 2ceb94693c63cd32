"""Opening the ledger: an error is one sentence without values and passwords, and after the fix it works."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError, LedgerError
from ci_operators.ledger.access import READERS, make_engine, make_reader, open_connection, speak_plainly
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.schema import migrate
from ci_operators.ledger.version import VERSION_TABLE
from tests.ledger.outage import stopped, throw_out
from tests.ledger.samples import rows

PASSWORD = "a-password-nobody-may-see"


def open_and_close(engine: Engine) -> None:
    with open_connection(engine):
        pass


@pytest.mark.parametrize("url", ["sqlite:///ledger.db", "mysql://127.0.0.1/ledger", "mssql+pyodbc://127.0.0.1/ledger"])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^The ledger needs PostgreSQL, not (sqlite|mysql|mssql\+pyodbc)\.$"):
        make_engine(url)


def test_every_spelling_of_postgresql_is_accepted(ledger_url: URL) -> None:
    for spelling in ("postgres", "postgresql", "postgresql+psycopg2"):
        open_and_close(make_engine(ledger_url.set(drivername=spelling).render_as_string(hide_password=False)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "127.0.0.1", "port": 1, "query": {}}, "Connection refused"),
        ({"host": "no host", "query": {}}, "could not translate host name"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
    ],
)
def test_a_wrong_address_is_reported_without_the_password(changes: dict[str, Any], words: str, ledger_url: URL) -> None:
    engine = make_engine(ledger_url.set(password=PASSWORD).set(**changes))
    with pytest.raises(LedgerError, match=words) as caught:
        open_and_close(engine)
    assert str(caught.value).startswith("The ledger's database: ")
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_engine_shows_no_password(ledger_url: URL) -> None:
    assert PASSWORD not in repr(make_engine(ledger_url.set(password=PASSWORD)))


@pytest.fixture
def reader(empty_database: URL) -> Iterator[URL]:
    """A role that can connect to a migrated ledger and read its version, and nothing else."""
    migrate(make_engine(empty_database))
    role = f"ledger_reader_{uuid.uuid4().hex[:12]}"
    with make_engine(empty_database).begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"))
        connection.execute(text(f"GRANT SELECT ON {VERSION_TABLE} TO {role}"))
    yield empty_database.set(username=role, password=PASSWORD)
    with make_engine(empty_database).begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


def test_missing_rights_are_named_before_anything_is_sent(reader: URL) -> None:
    with (
        open_connection(make_engine(reader)) as connection,
        pytest.raises(LedgerError, match=r"permission denied for table connector \(SQLSTATE 42501\)\.$"),
    ):
        Deliveries(connection, "acme", "run", "rf")


def test_rights_that_are_granted_later_work(reader: URL, empty_database: URL) -> None:
    with make_engine(empty_database).begin() as connection:
        connection.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {reader.username}"))
    with open_connection(make_engine(reader)) as connection:
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        assert deliveries.plan([rows([1])], [])


def test_a_database_outage_is_reported_and_recovers(ledger_url: URL) -> None:
    engine = make_engine(ledger_url)
    with stopped(ledger_url), pytest.raises(LedgerError, match="not currently accepting connections"):
        open_and_close(engine)
    open_and_close(engine)


def test_a_database_that_fails_midway_is_reported(ledger_url: URL) -> None:
    with open_connection(make_engine(ledger_url)) as connection:
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        with stopped(ledger_url):
            for _ in range(2):
                with pytest.raises(LedgerError, match="The ledger's database: "):
                    deliveries.plan([rows([1])], [])
    with open_connection(make_engine(ledger_url)) as connection:
        assert Deliveries(connection, "acme", "run", "rf").find(rows([1])) == {}


def test_an_error_of_copy_is_reported_like_any_other(ledger_url: URL) -> None:
    """COPY bypasses SQLAlchemy, so its errors come from the driver."""
    with open_connection(make_engine(ledger_url)) as connection:
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        with pytest.raises(LedgerError, match=r"duplicate key value .*\(SQLSTATE 23505\)\.$") as caught:
            deliveries.plan([[*rows([1]), *rows([1])]], [])
        assert "DETAIL" not in str(caught.value)
        assert deliveries.find(rows([1])) == {}, "half of it was recorded"


def test_waiting_for_a_lock_times_out(ledger_url: URL) -> None:
    with open_connection(make_engine(ledger_url)) as connection, connection.begin():
        assert connection.scalar(text("SHOW lock_timeout")) == "1min"
        assert connection.scalar(text("SHOW statement_timeout")) == "10min"


def test_errors_hold_no_statement_and_no_value(ledger_connection: Connection) -> None:
    statement = text("INSERT INTO batch (connector_id, run_id, destination, state, size) VALUES (7, :run, 'rf', 0, 1)")
    with pytest.raises(CollectiveInsightsError, match="violates foreign key constraint") as caught, speak_plainly():
        ledger_connection.execute(statement, {"run": "a-value"})
    for word in ("a-value", "INSERT", "(7)", "DETAIL"):
        assert word not in str(caught.value)


@pytest.fixture
def pages(ledger_url: URL) -> Iterator[Engine]:
    """The engine of a server of pages."""
    engine = make_reader(ledger_url)
    yield engine
    engine.dispose()


def test_a_reader_writes_nothing(pages: Engine) -> None:
    with open_connection(pages) as connection, pytest.raises(LedgerError, match="read-only transaction"):
        Deliveries(connection, "acme", "run", "rf")
    with open_connection(pages) as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "15s"


def test_threads_share_a_few_connections(pages: Engine) -> None:
    def ask(_: int) -> int:
        with open_connection(pages) as connection:
            return int(connection.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.01)")) or 0)

    with ThreadPoolExecutor(3 * READERS) as pool:
        servers = set(pool.map(ask, range(60)))
    assert 1 < len(servers) <= READERS
    assert ask(0) in servers, "connections stay open"


def test_a_reader_survives_a_restart_of_the_database(pages: Engine, ledger_url: URL) -> None:
    open_and_close(pages)
    throw_out(ledger_url)
    open_and_close(pages)


def test_exhausted_readers_are_reported(pages: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages.pool, "_timeout", 0.1)
    busy = [pages.connect() for _ in range(READERS)]
    with pytest.raises(LedgerError, match=r"^The ledger's connections are all in use; try again\.$"):
        open_and_close(pages)
    for connection in busy:
        connection.close()
    open_and_close(pages)


def test_a_reader_keeps_to_its_schema(empty_database: URL) -> None:
    with make_engine(empty_database).begin() as connection:
        connection.execute(text("CREATE SCHEMA insights"))
    migrate(make_engine(empty_database, "insights"))
    engine = make_reader(empty_database, "insights")
    open_and_close(engine)
    engine.dispose()


def test_a_reader_needs_postgresql_too() -> None:
    with pytest.raises(ConfigurationError, match="needs PostgreSQL, not sqlite"):
        make_reader("sqlite:///ledger.db")


def test_readers_do_not_see_the_ledgers_address(
    ledger_url: URL, pages: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    away = make_reader(ledger_url.set(host="127.0.0.1", port=1, query={}, password=PASSWORD))
    with pytest.raises(LedgerError, match=r"^The ledger does not answer\.$"):
        open_and_close(away)
    assert "Connection refused" in caplog.text
    assert PASSWORD not in caplog.text
    with open_connection(pages) as connection:
        throw_out(ledger_url)
        with stopped(ledger_url):
            for _ in range(2):
                with pytest.raises(LedgerError) as caught, speak_plainly(), connection.begin():
                    connection.execute(text("SELECT 1"))
                assert str(ledger_url.database) not in str(caught.value)
    open_and_close(pages)


def test_a_long_error_ends_with_a_sentence_or_a_word() -> None:
    for words, told in (("What. " * 90, "What."), ("where " * 90, "where ...")):
        with pytest.raises(LedgerError) as caught, speak_plainly():
            raise SQLAlchemyError(words)
        assert str(caught.value).endswith(told)
        assert len(str(caught.value)) < 450


def test_transactions_are_isolated_as_the_ledger_needs_it(empty_database: URL) -> None:
    """A database may have another default."""
    migrate(make_engine(empty_database))
    with make_engine(empty_database).begin() as connection:
        name = f'"{empty_database.database}"'
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
    for engine in (make_engine(empty_database), make_reader(empty_database)):
        with open_connection(engine) as connection:
            assert connection.scalar(text("SHOW default_transaction_isolation")) == "serializable"
            assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
        engine.dispose()
