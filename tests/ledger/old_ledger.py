"""Ledgers of an older version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from ci_operators.ledger import schema
from ci_operators.ledger.bulk import copy_rows
from ci_operators.ledger.deliveries import find_connector
from ci_operators.ledger.lease import LOCK_SPACE
from ci_operators.ledger.row import COLUMNS, Row
from ci_operators.ledger.tables import State


def migrate_to(engine: Engine, version: str) -> None:
    """Bring an empty ledger to a version."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


@dataclass
class OldRun:
    """Writes to a ledger of the first version as the code of that version did, for connector acme."""

    connection: Connection
    number: int = 0

    def lock(self) -> None:
        """Become the connector's only run."""
        with self.connection.begin():
            self._enter()
            self.connection.execute(
                text("SELECT pg_advisory_lock(:space, :id)"), {"space": LOCK_SPACE, "id": self.number}
            )

    def deliver(self, found: Sequence[Row], state: State = State.ACCEPTED, *, resent: bool = False) -> int:
        """Reserve a batch and settle it; return its number."""
        with self.connection.begin():
            self._enter()
            values = {"connector": self.number, "size": len(found)}
            batch = int(self.connection.execute(_INSERT, values).scalar_one())
            columns = [
                (r.key, batch, self.number, r.event_id, r.indicator_type, r.indicator, r.detected_at, r.codes)
                for r in found
            ]
            copy_rows(self.connection, "detection", COLUMNS, columns)
        with self.connection.begin():
            self.connection.execute(_SETTLE, {"id": batch, "state": int(state)})
            if resent:
                self.connection.execute(text("UPDATE batch SET resent = true WHERE id = :id"), {"id": batch})
        return batch

    def _enter(self) -> None:
        self.number = self.number or find_connector(self.connection, "acme")


_INSERT = text(
    "INSERT INTO batch (connector_id, run_id, destination, state, size, attempts, reserved_at) "
    "VALUES (:connector, 'before', 'rf', 1, :size, 1, now()) RETURNING id"
)
_SETTLE = text("UPDATE batch SET state = :state, settled_at = now() WHERE id = :id")
