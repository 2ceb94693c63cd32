"""The history of stages and runs: counts, dropped ids, quarantined records, independent of Airflow's database."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

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
#: A text, because SQLAlchemy would compile a statement in each task.
_RUN = text(
    """
    INSERT INTO stage_run AS r (
        connector_id, run_id, stage, run_kind, debug, since, until, records_in, records_out, dropped, quarantined,
        manifest, finished_at
    ) VALUES (
        :connector, :run, :stage, :kind, :debug, CAST(:since AS timestamptz), CAST(:until AS timestamptz), :records_in,
        :records_out, CAST(:dropped AS jsonb), CAST(:quarantined AS jsonb), CAST(:manifest AS jsonb),
        coalesce(CAST(:finished_at AS timestamptz), now())
    )
    ON CONFLICT (connector_id, run_id, stage) DO UPDATE
    SET (run_kind, debug, since, until, records_in, records_out, dropped, quarantined, manifest, finished_at) = (
        excluded.run_kind, excluded.debug, excluded.since, excluded.until, excluded.records_in, excluded.records_out,
        excluded.dropped, excluded.quarantined, excluded.manifest, excluded.finished_at
    )
    """
)
_WAITING = text("SELECT w.id FROM waiting w JOIN connector c ON c.id = w.connector_id WHERE c.name = :name LIMIT 1")
_NUMBER = text("SELECT id FROM connector WHERE name = :name")
_DROPPED = ("event_key", "connector_id", "event_id", "stage", "reason", "run_id")


class History:
    """Writes the history of one stage of one run. A retry overwrites it."""

    def __init__(self, connection: Connection, connector: str, run_id: str, stage: str) -> None:
        self.connection = connection
        self.connector = connector
        self.run_id = run_id
        self.stage = stage
        with speak_plainly(), connection.begin():
            self._connector_id = connection.scalar(_NUMBER, {"name": connector}) or find_connector(
                connection, connector
            )

    def add_run(self, manifest: dict[str, Any], run_kind: str, finished_at: datetime | None = None) -> None:
        """Keep a stage's manifest. finished_at: by default now."""
        row = {
            **{name: manifest[name] for name in ("debug", "records_in", "records_out")},
            **{name: json.dumps(manifest[name]) for name in ("dropped", "quarantined")},
            **{name: manifest["window"][name] for name in ("since", "until")},
            "connector": self._connector_id,
            "run": self.run_id,
            "stage": self.stage,
            "kind": run_kind,
            "manifest": json.dumps(manifest),
            "finished_at": finished_at,
        }
        with speak_plainly(), self.connection.begin():
            self.connection.execute(_RUN, row)

    def add_dropped(self, chunks: Iterable[Sequence[bytes]]) -> None:
        """Keep the ids and reasons of dropped events from the side artifact, without payloads."""
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
        """Keep the quarantined records of the side artifact with their issues."""
        for chunk in chunks:
            rows = [self._quarantine_row(line) for line in chunk]
            with speak_plainly(), self.connection.begin():
                keep_entries(self.connection, rows)

    def _quarantine_row(self, line: bytes) -> dict[str, Any]:
        entry = msgspec.json.decode(line, type=QuarantineEntry)
        place = (self._connector_id, self.run_id, self.stage)
        return make_entry(*place, entry.issue, entry.event_id, entry.detail, entry.payload())


def has_waiting(connection: Connection, connector: str) -> bool:
    """Return whether detections of a connector wait for budget."""
    with speak_plainly(), connection.begin():
        return connection.scalar(_WAITING, {"name": connector}) is not None


class QuarantineEntry(msgspec.Struct, frozen=True):
    """A line of a quarantine side artifact: the record as JSON, or in Base64 if it is not JSON."""

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
