"""The ledger's schema: brought up to date by a command, never by a task."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from ci_operators.ledger.version import NEEDED_VERSION

#: Of all programs that migrate this schema at the same time, one does.
_MIGRATION_LOCK = 0x434C5F4D


def migrate(engine: Engine) -> str:
    """Bring the schema up to date; return its version."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return NEEDED_VERSION
