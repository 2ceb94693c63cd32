"""Migrations create exactly the tables, once."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Engine, text

from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger import tables
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.breaker import find_streaks
from ci_operators.ledger.schema import migrate
from ci_operators.ledger.tables import State
from ci_operators.ledger.version import NEEDED_VERSION, VERSION_TABLE
from tests.ledger.old_ledger import OldRun, migrate_to
from tests.ledger.samples import rows


def open_and_close(engine: Engine) -> None:
    with open_connection(engine):
        pass


def test_migrations_give_exactly_the_tables(empty_database: URL) -> None:
    engine = make_engine(empty_database)
    assert migrate(engine) == NEEDED_VERSION
    options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []
    open_and_close(engine)


def test_indexes_are_those_of_the_tables(empty_database: URL) -> None:
    """Alembic's comparison ignores an index's kind and condition."""
    engine = make_engine(empty_database)
    migrate(engine)
    definitions = text(
        "SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes "
        "WHERE schemaname = :schema AND tablename <> :version"
    )
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA made"))
        connection.execute(text("SET search_path = made"))
        tables.metadata.create_all(connection)
        made, migrated = (
            {*connection.scalars(definitions, {"schema": schema, "version": VERSION_TABLE})}
            for schema in ("made", "public")
        )
    assert made == migrated
    assert len(made) > 10


def test_migrating_again_changes_nothing(ledger_engine: Engine) -> None:
    with ledger_engine.begin() as connection:
        connection.execute(text("INSERT INTO connector (name) VALUES ('acme')"))
    assert migrate(ledger_engine) == NEEDED_VERSION
    with ledger_engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM connector")) == 1


def test_concurrent_migrations_run_once(empty_database: URL) -> None:
    begin, found = threading.Barrier(4), list[object]()

    def work() -> None:
        begin.wait(30)
        try:
            found.append(migrate(make_engine(empty_database)))
        except Exception as err:
            found.append(err)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [NEEDED_VERSION] * 4
    open_and_close(make_engine(empty_database))


def test_a_ledger_can_have_a_separate_schema(empty_database: URL) -> None:
    with make_engine(empty_database).begin() as connection:
        connection.execute(text("CREATE SCHEMA insights"))
    migrate(make_engine(empty_database, "insights"))
    open_and_close(make_engine(empty_database, "insights"))
    with pytest.raises(ConfigurationError, match="no tables yet"):
        open_and_close(make_engine(empty_database))


def test_a_ledger_of_the_version_before_keeps_what_it_knows(empty_database: URL) -> None:
    engine = make_engine(empty_database)
    migrate_to(engine, "0002")
    with engine.connect() as connection:
        run = OldRun(connection)
        first, again = run.deliver(rows(range(3))), run.deliver(rows(range(3, 5)), State.UNKNOWN, resent=True)
    migrate(engine)
    with open_connection(engine) as connection:
        batches = connection.execute(text("SELECT id, resends, state FROM batch ORDER BY id"))
        assert list(map(tuple, batches)) == [(first, 0, State.ACCEPTED), (again, 1, State.UNKNOWN)]
        assert connection.execute(text("SELECT fence, unknown_streak, known_since FROM connector")).one() == (
            0,
            0,
            None,
        )
        connection.rollback()
        assert find_streaks(connection, [run.number]) == {}
