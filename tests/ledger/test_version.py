"""The version of the schema: with another version than needed, the error names the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, text

from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger import version
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.schema import migrate
from ci_operators.ledger.version import NEEDED_VERSION, check_version, read_version


def open_and_close(engine: Engine) -> None:
    with open_connection(engine):
        pass


@pytest.fixture
def migrated(empty_database: URL) -> Engine:
    """A separate database with the current tables."""
    engine = make_engine(empty_database)
    migrate(engine)
    return engine


def set_version(engine: Engine, found: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE ledger_version SET version_num = :version"), {"version": found})


def test_the_needed_version_is_the_newest_migration() -> None:
    migrations = ScriptDirectory(str(Path(version.__file__).with_name("migrations")))
    assert migrations.get_current_head() == NEEDED_VERSION
    numbers = sorted(script.revision for script in migrations.walk_revisions())
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)], "versions are compared as texts"


def test_the_version_is_read(ledger_connection: Connection) -> None:
    assert read_version(ledger_connection) == NEEDED_VERSION
    check_version(ledger_connection)


def test_without_tables_the_command_is_named(empty_database: URL) -> None:
    with pytest.raises(ConfigurationError, match=r"no tables yet: run `python -m ci_operators ledger migrate`\.$"):
        open_and_close(make_engine(empty_database))


def test_an_unfinished_migration_has_no_version(migrated: Engine) -> None:
    with migrated.begin() as connection:
        connection.execute(text("DELETE FROM ledger_version"))
    with pytest.raises(ConfigurationError, match="no tables yet"):
        open_and_close(migrated)


def test_a_newer_schema_is_refused(migrated: Engine) -> None:
    set_version(migrated, "9999")
    with pytest.raises(ConfigurationError, match=r"\(9999\) is newer than this code's \(\d+\): update this project\.$"):
        open_and_close(migrated)


def test_an_older_schema_is_refused(migrated: Engine) -> None:
    set_version(migrated, "0000")
    with pytest.raises(ConfigurationError, match=r"\(0000\) is older than this code's \(\d+\): run `python -m"):
        open_and_close(migrated)
