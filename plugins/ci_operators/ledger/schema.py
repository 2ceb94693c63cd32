"""The ledger's schema: brought up to date by a command, never by a task."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from ci_operators.ledger.standstill import become_the_only_migration, stand_still
from ci_operators.ledger.version import NEEDED_VERSION, read_version


def migrate(engine: Engine) -> str:
    """Bring the schema up to date; return its version.

    Raises LedgerError, and has changed nothing, when somebody uses the ledger and does not end soon.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        become_the_only_migration(connection)
        found = read_version(connection)
        if found is not None and found < NEEDED_VERSION:
            stand_still(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return NEEDED_VERSION
