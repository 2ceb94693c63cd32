"""The ledger is private: another role of the same PostgreSQL cannot read, change or call anything in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from ci_operators.ledger import tables
from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate

#: Every kind of PostgreSQL privilege on the ledger's objects.
RIGHTS = """
    SELECT c.relname AS name, r.privilege FROM pg_class c
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) r(privilege)
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'v', 'm', 'p')
      AND has_table_privilege(:role, c.oid, r.privilege)
    UNION ALL
    SELECT c.relname, r.privilege FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'USAGE', 'UPDATE']) r(privilege)
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind = 'S'
      AND has_sequence_privilege(:role, c.oid, r.privilege)
    UNION ALL
    SELECT p.proname, 'EXECUTE' FROM pg_proc p
    WHERE p.pronamespace = CAST(:schema AS regnamespace) AND has_function_privilege(:role, p.oid, 'EXECUTE')
"""
COUNTS = """
    SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'r'),
           (SELECT count(*) FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'S'),
           (SELECT count(*) FROM pg_proc WHERE pronamespace = CAST(:schema AS regnamespace))
"""
SCHEMAS = ("public", "ledger_of_acme")


@pytest.fixture
def stranger(postgres_url: URL) -> Iterator[str]:
    """A role that can log in, without any grants."""
    name = f"stranger_{uuid.uuid4().hex[:12]}"
    server = postgres_url if postgres_url.database else postgres_url.set(database="postgres")
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f'CREATE ROLE "{name}" LOGIN'))
    try:
        yield name
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP ROLE "{name}"'))


@pytest.fixture(params=SCHEMAS)
def ledger(request: pytest.FixtureRequest, empty_database: URL, stranger: str) -> Iterator[tuple[Engine, str]]:
    """A migrated ledger in the database's own schema, and one in a separate schema."""
    engine = make_engine(empty_database, None if request.param == "public" else request.param)
    with engine.begin() as connection:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{request.param}"'))
    migrate(engine)
    yield engine, request.param
    with engine.begin() as connection:
        connection.execute(text(f'DROP OWNED BY "{stranger}"'))


def test_another_role_has_no_right_at_all(ledger: tuple[Engine, str], stranger: str) -> None:
    engine, schema = ledger
    with engine.connect() as connection:
        counts = connection.execute(text(COUNTS), {"schema": schema}).one()
        assert all(counts), "there is nothing to look at"
        assert find_rights(connection, schema, stranger) == []


def test_a_granted_right_is_detected(ledger: tuple[Engine, str], stranger: str) -> None:
    engine, schema = ledger
    with engine.begin() as connection:
        connection.execute(text(f'GRANT SELECT ON "{schema}".quarantine TO "{stranger}"'))
        connection.execute(text(f'GRANT EXECUTE ON FUNCTION "{schema}".count_batch() TO PUBLIC'))
        assert sorted(find_rights(connection, schema, stranger)) == [
            ("count_batch", "EXECUTE"),
            ("quarantine", "SELECT"),
        ]


def test_another_role_is_refused(ledger: tuple[Engine, str], stranger: str) -> None:
    engine, schema = ledger
    with engine.connect() as connection:
        connection.execute(text(f'SET ROLE "{stranger}"'))
        for table in (*tables.metadata.sorted_tables, "ledger_version"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text(f'TABLE "{schema}"."{table}"'))
            connection.rollback()
            connection.execute(text(f'SET ROLE "{stranger}"'))


def find_rights(connection: Connection, schema: str, role: str) -> list[tuple[str, str]]:
    """Return the role's privileges, by name and kind."""
    found = connection.execute(text(RIGHTS), {"schema": schema, "role": role})
    return [(name, privilege) for name, privilege in found]
