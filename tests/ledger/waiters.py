"""Detects connections that wait for a lock in the ledger's database."""

from __future__ import annotations

import time

from sqlalchemy import Connection, text

_WAITS = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
)


def wait_until_somebody_waits(connection: Connection) -> None:
    """Return once another connection waits for a lock; fails after ten seconds."""
    for _ in range(500):
        with connection.begin():
            if connection.scalar(_WAITS):
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")
