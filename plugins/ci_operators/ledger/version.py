"""The version of the ledger's schema, and the one that this code needs, without importing Alembic in tasks."""

from __future__ import annotations

from sqlalchemy import Connection, text

from ci_operators.core.errors import ConfigurationError

VERSION_TABLE = "ledger_version"
#: The newest migration in migrations/versions; they are numbered.
NEEDED_VERSION = "0003"

_THERE = text("SELECT to_regclass(:table) IS NOT NULL")
_VERSION = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant


def read_version(connection: Connection) -> str | None:
    """Return the version of the ledger's schema, or None if it has no tables yet."""
    if not connection.scalar(_THERE, {"table": VERSION_TABLE}):
        return None
    found: str | None = connection.scalar(_VERSION)
    return found


def check_version(connection: Connection) -> None:
    """Raise ConfigurationError, with the fix, unless this code supports the schema."""
    found = read_version(connection)
    if found == NEEDED_VERSION:
        return
    if found is None:
        raise ConfigurationError("The ledger has no tables yet: run `python -m ci_operators ledger migrate`.")
    if found < NEEDED_VERSION:
        raise ConfigurationError(
            f"The ledger's schema ({found}) is older than this code's ({NEEDED_VERSION}): "
            "run `python -m ci_operators ledger migrate`."
        )
    raise ConfigurationError(
        f"The ledger's schema ({found}) is newer than this code's ({NEEDED_VERSION}): update this project."
    )
