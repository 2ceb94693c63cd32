"""Wait for a lock, up to a limit."""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

_PATIENCE = text("SELECT set_config('lock_timeout', :patience, true)")
_USUAL = text("SELECT current_setting('lock_timeout')")
#: SQLSTATEs of a lock timeout and of a deadlock.
_BUSY = ("55P03", "40P01")


def has_got(connection: Connection, statement: TextClause, patience_s: int, **values: object) -> bool:
    """Return whether a lock was taken in time. The transaction continues in both cases, with its own lock timeout.

    The session that has waited longest gets the lock first.
    """
    usual = connection.scalar(_USUAL)
    try:
        with connection.begin_nested():
            connection.execute(_PATIENCE, {"patience": f"{patience_s}s"})
            connection.execute(statement, values)
            connection.execute(_PATIENCE, {"patience": usual})
    except DBAPIError as err:
        if getattr(err.orig, "pgcode", None) in _BUSY:
            return False
        raise
    return True
