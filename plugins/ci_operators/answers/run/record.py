"""One record of a run as the table of records shows it, read from a line of an artifact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from ci_operators.answers.run.artifacts import ARRIVED
from ci_operators.answers.wording import Wording, say_state
from ci_operators.ledger.history import QuarantineEntry
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.trail import DeliveredDetection

#: The most characters of a detail or a name in the table.
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Record:
    """The outcome of one event. fate: "dropped", "quarantined" or "detection".

    code: reason or issue; state, state_words: of a detection that the ledger knows; detected_at: ISO 8601 in UTC;
    place: where a record without an event id is in the artifacts; other records are found by their event id.
    """

    event_id: str | None
    fate: str
    stage: str
    code: str | None = None
    words: str = ""
    detail: str = ""
    indicator_type: str | None = None
    indicator: str | None = None
    codes: Sequence[str] = ()
    state: str | None = None
    state_words: str = ""
    detected_at: str | None = None
    place: str = ""


#: Returns what the ledger knows about detections, by their keys.
LookUp = Callable[[Sequence[bytes]], Mapping[bytes, DeliveredDetection]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record with the key of its detection in the ledger, and its original bytes."""

    record: Record
    key: bytes | None = None
    payload: bytes = b""


class DroppedEntry(msgspec.Struct, frozen=True):
    """A line of a dropped side artifact."""

    reason: str
    event_id: str | None = None


_decode_dropped = msgspec.json.Decoder(DroppedEntry).decode
_decode_quarantined = msgspec.json.Decoder(QuarantineEntry).decode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads the lines of a connector's artifacts. Raises UNREADABLE for a line that is not a record.

    began: when the run began, None if unknown. Submit dropped detections that were delivered before.
    """

    connector: str
    wording: Wording
    began: datetime | None = None

    def read(self, line: bytes, fate: str, stage: str) -> Candidate:
        """Return the record in a line of an artifact whose records have the outcome `fate` at `stage`."""
        if fate == "dropped":
            entry = _decode_dropped(line)
            words = self.wording.say(self.connector, entry.reason)
            return Candidate(Record(entry.event_id, "dropped", stage, entry.reason, words))
        if fate == "quarantined":
            return self._read_quarantined(line, stage)
        row = read_row(self.connector, line)
        return Candidate(_describe(Record(row.event_id, "detection", stage), row), row.key, row.text)

    def add_state(self, candidate: Candidate, known: DeliveredDetection | None, *, sorts: bool = False) -> Record:
        """Return the record with the state of its detection in the ledger.

        sorts: whether a detection that was delivered before the run counts as dropped by submit.
        """
        record = candidate.record
        if known is None:
            return record
        record = replace(record, state=known.state, state_words=say_state(known.state))
        if not sorts or record.fate != "detection" or not self._arrived_before(known):
            return record
        words = self.wording.say(self.connector, ARRIVED)
        detail = f"In run {known.run_id}."
        return replace(record, fate="dropped", stage="submit", code=ARRIVED, words=words, detail=detail)

    def _arrived_before(self, known: DeliveredDetection) -> bool:
        if known.state != "accepted" or known.settled_at is None or self.began is None:
            return False
        return known.settled_at < self.began

    def _read_quarantined(self, line: bytes, stage: str) -> Candidate:
        entry = _decode_quarantined(line)
        words = self.wording.say(self.connector, entry.issue)
        detail = entry.detail[:_LONGEST] if entry.detail != words else ""
        record, payload = Record(entry.event_id, "quarantined", stage, entry.issue, words, detail), entry.payload()
        if stage not in ("validate", "submit"):
            return Candidate(record, payload=payload)
        try:
            row = read_row(self.connector, payload)
        except UNREADABLE:  # what validate rejects is not always a detection
            return Candidate(record, payload=payload)
        return Candidate(_describe(record, row), row.key, payload)


def _describe(record: Record, row: Row) -> Record:
    return replace(
        record,
        indicator_type=row.indicator_type,
        indicator=row.indicator,
        codes=tuple(row.codes),
        detected_at=row.detected_at,
    )
