"""The records of a run by the ledger: for when its artifacts are gone. Debug runs have none there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.run.cursor import Cursor, read_cursor, write_cursor
from ci_operators.answers.run.record import Record
from ci_operators.answers.run.scan import Limits, RecordPage
from ci_operators.answers.run.search import RecordQuery
from ci_operators.answers.wording import Wording, say_state
from ci_operators.core.instant import format_instant
from ci_operators.ledger.run_records import Picked, find_run_detections, find_run_dropped, find_run_quarantined
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail, find_states

#: Rows that are read at once.
_BATCH = 200
#: The ledger's parts of a run, with the fate of their records.
_PARTS = {"ledger.dropped": "dropped", "ledger.quarantined": "quarantined", "ledger.detections": "detection"}
_DELIVERY = "submit"
_NOTE = "These are the run's records as the ledger has them; what a later run met again stands with that run."


@dataclass(frozen=True, slots=True)
class Part:
    """Records, each with its place. `after`: behind which there may be more, None at the end of a part."""

    records: list[tuple[str, Record]]
    after: str | None


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """A run as the ledger of its connector knows it."""

    connection: Connection
    connector: str
    run_id: str
    wording: Wording

    def read_dropped(self, after: str, picked: Picked) -> Part:
        """Return dropped events after a place."""
        found = find_run_dropped(self.connection, self.connector, self.run_id, _BATCH, bytes.fromhex(after), picked)
        shown = [(each.key.hex(), self._show(each.event_id, "dropped", each.stage, each.reason)) for each in found]
        return Part(shown, found[-1].key.hex() if len(found) == _BATCH else None)

    def read_quarantined(self, after: str, picked: Picked) -> Part:
        """Return quarantined records after a place."""
        found = find_run_quarantined(self.connection, self.connector, self.run_id, _BATCH, int(after or "0"), picked)
        shown = [
            (str(each.id), self._show(each.event_id, "quarantined", each.stage, each.issue, each.detail))
            for each in found
        ]
        return Part(shown, str(found[-1].id) if len(found) == _BATCH else None)

    def read_detections(self, after: str, picked: Picked) -> Part:
        """Return detections after a place; one that has been forgotten meanwhile is left out."""
        del picked  # they have no code, and one stage
        batch, _, key = after.partition(".")
        place = (int(batch), bytes.fromhex(key)) if after else None
        found = find_run_detections(self.connection, self.connector, self.run_id, _BATCH, place)
        states = find_states(self.connection, [each.key for each in found])
        shown = [
            (f"{each.batch}.{each.key.hex()}", show_delivered(states[each.key], each.event_id))
            for each in found
            if each.key in states
        ]
        return Part(shown, f"{found[-1].batch}.{found[-1].key.hex()}" if len(found) == _BATCH else None)

    def _show(self, event_id: str | None, fate: str, stage: str, code: str, detail: str = "") -> Record:
        words = self.wording.say(self.connector, code)
        return Record(event_id, fate, stage, code, words, detail if detail != words else "")


def find_ledger_records(
    run: LedgerRun, query: RecordQuery, cursor: str | None = None, limits: Limits | None = None
) -> RecordPage:
    """Return the wanted records from the cursor on. Raises WrongQuestionError for a cursor that is none."""
    limits, wanted = limits or Limits(), [part for part in _PARTS if _is_wanted(part, query)]
    place = read_cursor(cursor, query.fingerprint) if cursor else None
    if place is not None and place.file not in wanted:
        raise WrongQuestionError("The run's artifacts are gone since the page before: begin again with the first page.")
    begun, records, searched = limits.clock(), list[Record](), 0
    for part, key, record in _read_from(run, query, wanted, place):
        searched += 1
        if query.matches(record):
            records.append(record)
        is_late = searched % _BATCH == 0 and limits.clock() - begun >= limits.seconds
        if len(records) >= limits.records or is_late:
            return RecordPage(records, write_cursor(Cursor(query.fingerprint, part, key=key)), searched, _NOTE)
    return RecordPage(records, None, searched, _NOTE)


def _is_wanted(part: str, query: RecordQuery) -> bool:
    """Return whether a part can hold wanted records: detections have no code, and one stage."""
    if query.fate not in ("all", _PARTS[part]):
        return False
    return _PARTS[part] != "detection" or (not query.code and query.stage in ("", _DELIVERY))


def _read_from(
    run: LedgerRun, query: RecordQuery, wanted: list[str], place: Cursor | None
) -> Iterator[tuple[str, str, Record]]:
    """Yield part, place and record of all that stands behind a place."""
    reads = dict(zip(_PARTS, (run.read_dropped, run.read_quarantined, run.read_detections), strict=True))
    picked = Picked(query.stage, query.code)
    for part in wanted[wanted.index(place.file) if place else 0 :]:
        after: str | None = place.key if place and part == place.file else ""
        while after is not None:
            found = _read(reads[part], after, picked)
            yield from ((part, at, record) for at, record in found.records)
            after = found.after


def _read(read: Callable[[str, Picked], Part], after: str, picked: Picked) -> Part:
    try:
        return read(after, picked)
    except (ValueError, OverflowError):
        raise WrongQuestionError("The cursor is none of ours: begin again with the first page.") from None


def show_delivered(found: DeliveredDetection, event_id: str | None) -> Record:
    """Return the record of a detection that the ledger knows."""
    return Record(
        event_id=event_id,
        fate="detection",
        stage=_DELIVERY,
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
