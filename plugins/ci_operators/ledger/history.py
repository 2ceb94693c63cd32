"""What each stage of each run did: counts, dropped ids, quarantined records. Kept without Airflow's database."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.bulk import copy_rows
from ci_operators.ledger.deliveries import find_connector
from ci_operators.ledger.keys import event_key
from ci_operators.ledger.quarantined import keep_entries, make_entry

#: Rows of one COPY; memory does not grow with the number of dropped events.
CHUNK = 5000

_STAGED = text(
    "CREATE TEMP TABLE IF NOT EXISTS dropped_now (LIKE dropped_event INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
)
_MERGE = text(
    """
    INSERT INTO dropped_event (event_key, connector_id, event_id, stage, reason, run_id)
    SELECT DISTINCT ON (event_key) event_key, connector_id, event_id, stage, reason, run_id FROM dropped_now
    ON CONFLICT (event_key) DO UPDATE
    SET stage = excluded.stage, reason = excluded.reason, run_id = excluded.run_id, seen_at = excluded.seen_at
    """
)
_DROPPED = ("event_key", "connector_id", "event_id", "stage", "reason", "run_id")


class History:
    """Writes what one stage of one run did. A retry writes the same again: nothing doubles."""

    def __init__(self, connection: Connection, connector: str, run_id: str, stage: str) -> None:
        self.connection = connection
        self.connector = connector
        self.run_id = run_id
        self.stage = stage
        with speak_plainly(), connection.begin():
            self._connector_id = find_connector(connection, connector)

    def add_run(self, manifest: dict[str, Any], run_kind: str) -> None:
        """Keep a stage's manifest."""
        row = {
            "connector_id": self._connector_id,
            "run_id": self.run_id,
            "stage": self.stage,
            "run_kind": run_kind,
            "debug": manifest["debug"],
            "since": manifest["window"]["since"],
            "until": manifest["window"]["until"],
            "manifest": manifest,
            **{name: manifest[name] for name in ("records_in", "records_out", "dropped", "quarantined")},
        }
        statement = insert(tables.stage_run).values(row)
        newest = statement.on_conflict_do_update(
            index_elements=["connector_id", "run_id", "stage"],
            set_={**row, "finished_at": text("now()")},
        )
        with speak_plainly(), self.connection.begin():
            self.connection.execute(newest)

    def has_waiting(self) -> bool:
        """Return whether detections of the connector wait for budget."""
        waiting = tables.waiting
        query = select(waiting.c.id).where(waiting.c.connector_id == self._connector_id).limit(1)
        with speak_plainly(), self.connection.begin():
            return self.connection.scalar(query) is not None

    def add_dropped(self, chunks: Iterable[Sequence[bytes]]) -> None:
        """Keep ids and reasons of dropped events, as the side artifact holds them; payloads are not kept."""
        for chunk in chunks:
            entries = [msgspec.json.decode(line) for line in chunk]
            rows = [
                (
                    event_key(self.connector, event_id),
                    self._connector_id,
                    event_id,
                    self.stage,
                    entry["reason"],
                    self.run_id,
                )
                for entry in entries
                if (event_id := entry["event_id"])
            ]
            with speak_plainly(), self.connection.begin():
                self.connection.execute(_STAGED)
                copy_rows(self.connection, "dropped_now", _DROPPED, rows)
                self.connection.execute(_MERGE)

    def add_quarantined(self, chunks: Iterable[Sequence[bytes]]) -> None:
        """Keep quarantined records with their issues, as the side artifact holds them."""
        for chunk in chunks:
            rows = [self._quarantine_row(line) for line in chunk]
            with speak_plainly(), self.connection.begin():
                keep_entries(self.connection, rows)

    def _quarantine_row(self, line: bytes) -> dict[str, Any]:
        entry = msgspec.json.decode(line, type=QuarantineEntry)
        place = (self._connector_id, self.run_id, self.stage)
        return make_entry(*place, entry.issue, entry.event_id, entry.detail, entry.payload())


class QuarantineEntry(msgspec.Struct, frozen=True):
    """A line of a quarantine side artifact: the record as JSON, or in Base64 when it is none."""

    issue: str
    event_id: str | None = None
    detail: str = ""
    record: msgspec.Raw = msgspec.Raw(b"")
    record_base64: str = ""

    def payload(self) -> bytes:
        """Return the record's bytes."""
        if self.record_base64:
            try:
                return base64.b64decode(self.record_base64, validate=True)
            except binascii.Error:
                return self.record_base64.encode()
        return bytes(self.record)
