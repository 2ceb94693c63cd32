"""The ledger's schema: brought up to date by a command, never by a task."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from ci_operators.core.errors import ConfigurationError

VERSION_TABLE = "ledger_version"
#: Of all programs that migrate this schema at the same time, one does.
_MIGRATION_LOCK = 0x434C5F4D


def migrate(engine: Engine) -> str:
    """Bring the schema up to date; return its version."""
    config = _config()
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest_version()


def check_version(connection: Connection) -> None:
    """Raise ConfigurationError, with the mend, unless the schema is the one this code was written for."""
    found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if found == newest_version():
        return
    if found is None:
        raise ConfigurationError("The ledger has no tables yet: run `python -m ci_operators ledger migrate`.")
    if found in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}:
        raise ConfigurationError(
            f"The ledger's schema ({found}) is older than this code ({newest_version()}): "
            "run `python -m ci_operators ledger migrate`."
        )
    raise ConfigurationError(
        f"The ledger's schema ({found}) is newer than this code ({newest_version()}): update this project."
    )


def newest_version() -> str:
    """Return the version of the schema that this code works with."""
    version = ScriptDirectory.from_config(_config()).get_current_head()
    assert version is not None  # noqa: S101 - the migrations stand beside this file
    return version


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
