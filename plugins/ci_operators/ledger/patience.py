"""Waiting for a lock, but not for ever."""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

_PATIENCE = text("SELECT set_config('lock_timeout', :patience, true)")
_USUAL = text("SELECT current_setting('lock_timeout')")
#: SQLSTATEs: a lock was waited for too long, or could only be had by one who waits for us.
_BUSY = ("55P03", "40P01")


def has_got(connection: Connection, statement: TextClause, patience_s: int, **values: object) -> bool:
    """Return whether a lock was to be had in time; the transaction goes on in any case, with its own patience.

    The one who has waited longest gets it first.
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
