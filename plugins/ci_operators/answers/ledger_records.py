"""The records of a run by the ledger: for when its artifacts are gone. Debug runs have none there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from ci_operators.answers.cursor import Cursor, read_cursor, write_cursor
from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.record import Record
from ci_operators.answers.record_search import RecordQuery
from ci_operators.answers.scan import Limits, RecordPage
from ci_operators.answers.wording import Wording, say_state
from ci_operators.core.instant import format_instant
from ci_operators.ledger.run_records import find_run_detections, find_run_dropped, find_run_quarantined
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail, find_states

#: Rows that are read at once.
_BATCH = 200
_PARTS = ("ledger.dropped", "ledger.quarantined", "ledger.detections")
_NOTE = "These are the run's records as the ledger has them; what a later run met again stands with that run."


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """A run as the ledger of its connector knows it."""

    connection: Connection
    connector: str
    run_id: str
    wording: Wording

    def read_dropped(self, after: str) -> list[tuple[str, Record]]:
        """Return dropped events after a place, each with its own place."""
        found = find_run_dropped(self.connection, self.connector, self.run_id, _BATCH, bytes.fromhex(after))
        return [(each.key.hex(), self._show(each.event_id, "dropped", each.stage, each.reason)) for each in found]

    def read_quarantined(self, after: str) -> list[tuple[str, Record]]:
        """Return quarantined records after a place, each with its own place."""
        found = find_run_quarantined(self.connection, self.connector, self.run_id, _BATCH, int(after or "0"))
        return [
            (str(each.id), self._show(each.event_id, "quarantined", each.stage, each.issue, each.detail))
            for each in found
        ]

    def read_detections(self, after: str) -> list[tuple[str, Record]]:
        """Return detections after a place, each with its own place."""
        batch, _, key = after.partition(".")
        place = (int(batch), bytes.fromhex(key)) if after else None
        found = find_run_detections(self.connection, self.connector, self.run_id, _BATCH, place)
        states = find_states(self.connection, [each.key for each in found])
        return [
            (f"{states[each.key].batch}.{each.key.hex()}", show_delivered(states[each.key], each.event_id))
            for each in found
            if each.key in states
        ]

    def _show(self, event_id: str | None, fate: str, stage: str, code: str, detail: str = "") -> Record:
        words = self.wording.say(self.connector, code)
        return Record(event_id, fate, stage, code, words, detail if detail != words else "")


def find_ledger_records(
    run: LedgerRun, query: RecordQuery, cursor: str | None = None, limits: Limits | None = None
) -> RecordPage:
    """Return the wanted records from the cursor on. Raises WrongQuestionError for a cursor that is none."""
    limits = limits or Limits()
    place = read_cursor(cursor, query.fingerprint) if cursor else Cursor(query.fingerprint, _PARTS[0])
    if place.file not in _PARTS:
        raise WrongQuestionError("The run's artifacts are gone since the page before: begin again with the first page.")
    begun, records, searched = limits.clock(), list[Record](), 0
    for part, key, record in _read_from(run, place):
        searched += 1
        if query.matches(record) and query.stage in ("", record.stage):
            records.append(record)
        is_late = searched % _BATCH == 0 and limits.clock() - begun >= limits.seconds
        if len(records) >= limits.records or is_late:
            return RecordPage(records, write_cursor(Cursor(query.fingerprint, part, key=key)), searched, _NOTE)
    return RecordPage(records, None, searched, _NOTE)


def _read_from(run: LedgerRun, place: Cursor) -> Iterator[tuple[str, str, Record]]:
    """Yield part, place and record of all that stands behind a place."""
    reads = dict(zip(_PARTS, (run.read_dropped, run.read_quarantined, run.read_detections), strict=True))
    key = place.key
    for part in _PARTS[_PARTS.index(place.file) :]:
        while rows := _read(reads[part], key):
            yield from ((part, at, record) for at, record in rows)
            key = rows[-1][0]
        key = ""


def _read(read: Callable[[str], list[tuple[str, Record]]], after: str) -> list[tuple[str, Record]]:
    try:
        return read(after)
    except (ValueError, OverflowError):
        raise WrongQuestionError("The cursor is none of ours: begin again with the first page.") from None


def show_delivered(found: DeliveredDetection, event_id: str | None) -> Record:
    """Return the record of a detection that the ledger knows."""
    return Record(
        event_id=event_id,
        fate="detection",
        stage="submit",
        indicator_type=found.indicator_type,
        indicator=found.indicator,
        codes=tuple(found.codes),
        state=found.state,
        state_words=say_state(found.state),
        detected_at=format_instant(found.detected_at),
    )


def records_of_trail(trail: Trail, wording: Wording, event_id: str) -> list[Record]:
    """Return what became of an event, as the table of a run shows it: what stopped it first."""

    def show(entry: DroppedEvent | QuarantinedEvent, fate: str, code: str, detail: str = "") -> Record:
        return Record(event_id, fate, entry.stage, code, wording.say(entry.connector, code), detail)

    return [
        *(show(entry, "quarantined", entry.issue, entry.detail) for entry in trail.quarantined),
        *(show(entry, "dropped", entry.reason) for entry in trail.dropped),
        *(show_delivered(found, event_id) for found in trail.detections),
    ]
