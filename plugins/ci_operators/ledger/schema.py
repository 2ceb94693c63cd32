"""The ledger's schema, which a command upgrades, never a task."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from ci_operators.ledger.standstill import become_the_only_migration, stand_still
from ci_operators.ledger.version import NEEDED_VERSION, read_version


def migrate(engine: Engine) -> str:
    """Upgrade the schema, and return its version.

    Raises LedgerError, without changing anything, if the ledger is in use and does not become free soon.
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
