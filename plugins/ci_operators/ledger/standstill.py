"""Lock the ledger exclusively, as every change of its tables requires."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, TextClause, text

from ci_operators.core.errors import LedgerError
from ci_operators.ledger.lease import LOCK_SPACE
from ci_operators.ledger.patience import has_got
from ci_operators.ledger.tables import connector, metadata

#: Seconds that a migration waits for another one, and for each run that submits.
PATIENCE_S = 60
#: Seconds that it waits for tables. New sessions wait behind it.
TABLE_PATIENCE_S = 5

#: Only one program migrates this schema at a time.
_MIGRATION = 0x434C5F4D
_LOCK_MIGRATION = text("SELECT pg_advisory_xact_lock(:lock)")
_LOCK_RUN = text("SELECT pg_advisory_xact_lock(:space, :id)")
#: Blocks inserting connectors; those in the ledger can still be read.
_LOCK_CONNECTORS = text("LOCK TABLE connector IN SHARE ROW EXCLUSIVE MODE")
_CONNECTORS = text("SELECT id, name FROM connector ORDER BY id")
_THERE = text("SELECT name FROM unnest(CAST(:names AS text[])) name WHERE to_regclass(quote_ident(name)) IS NOT NULL")
#: The session that has used one of the tables longest. Its query is not shown, since not everybody may see it.
_HOLDER = text(
    """
    SELECT coalesce(nullif(a.application_name, ''), a.backend_type), coalesce(a.usename, ''), a.pid,
           l.relation::regclass::text
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.granted AND l.pid <> pg_backend_pid() AND a.datname = current_database()
      AND l.relation IN (SELECT to_regclass(quote_ident(name)) FROM unnest(CAST(:names AS text[])) name)
    ORDER BY a.xact_start, a.pid, 4 LIMIT 1
    """
)


def become_the_only_migration(connection: Connection) -> None:
    """Wait for other migrations of the ledger. Raises LedgerError when one lasts."""
    if not has_got(connection, _LOCK_MIGRATION, PATIENCE_S, lock=_MIGRATION):
        raise LedgerError("Another program is migrating the ledger: run this again when that one has ended.")


def stand_still(connection: Connection) -> None:
    """Lock the ledger until the transaction ends. Raises LedgerError if it stays in use.

    First lock the connectors, as a submitting run does: then no run is between a request and the record of its
    answer, and a new run reports that another one submits. Then lock all tables exclusively.
    """
    _lock_tables(connection, [connector.name], _LOCK_CONNECTORS)
    for number, name in connection.execute(_CONNECTORS).all():
        if not has_got(connection, _LOCK_RUN, PATIENCE_S, space=LOCK_SPACE, id=number):
            raise LedgerError(
                f"A run of {name} is submitting, and did not end within {PATIENCE_S} s. Nothing has been changed: "
                "run this again when it has ended, or pause its DAG before."
            )
    names = [table.name for table in metadata.sorted_tables if table is not connector]
    there = list(connection.scalars(_THERE, {"names": names}))
    _lock_tables(connection, there, text(f"LOCK TABLE {', '.join(there)} IN ACCESS EXCLUSIVE MODE"))


def _lock_tables(connection: Connection, names: Sequence[str], statement: TextClause) -> None:
    if has_got(connection, statement, TABLE_PATIENCE_S):
        return
    holder = connection.execute(_HOLDER, {"names": list(names)}).one_or_none()
    words = "somebody" if holder is None else "{} (user {}, process {}) at table {}".format(*holder)
    raise LedgerError(
        f"The ledger is in use: {words} did not end within {TABLE_PATIENCE_S} s. Nothing has been changed: "
        "run this again when no backup and no long query runs."
    )
