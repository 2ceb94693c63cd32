"""The records of a run from the ledger, for when its artifacts are gone. Debug runs have none there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ci_operators.answers.question import Limits, WrongQuestionError
from ci_operators.answers.run.query import Cursor, RecordQuery, read_cursor, write_cursor, wrong_cursor
from ci_operators.answers.run.record import Record
from ci_operators.answers.run.records import RecordPage
from ci_operators.answers.wording import Wording, say_state
from ci_operators.core.instant import format_instant
from ci_operators.ledger.run_records import Picked, find_run_detections, find_run_dropped, find_run_quarantined
from ci_operators.ledger.trail import DeliveredDetection, find_states

#: The number of rows that are read at once.
_BATCH = 200
#: The parts of a run in the ledger, by the outcome of their records.
_PARTS = ("dropped", "quarantined", "detection")
_DELIVERY = "submit"
_NOTE = "These are the run's records in the ledger. A record that a later run read again is listed with that run."

#: Rows of a part, each with its place; None for a detection that retention deleted meanwhile.
_Rows = Sequence[tuple[str, Record | None]]


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """A run in the ledger of its connector."""

    connection: Connection
    connector: str
    run_id: str
    wording: Wording

    def read(self, fate: str, after: str, picked: Picked) -> Iterator[tuple[str, Record]]:
        """Yield the records with an outcome, and their places, after a place. Raises ValueError if it is invalid."""
        read = {"dropped": self._read_dropped, "quarantined": self._read_quarantined, "detection": self._read_sent}
        while True:
            rows: _Rows = read[fate](after, picked)
            yield from ((place, record) for place, record in rows if record is not None)
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def _read_dropped(self, after: str, picked: Picked) -> _Rows:
        found = find_run_dropped(self.connection, self.connector, self.run_id, _BATCH, bytes.fromhex(after), picked)
        return [(each.key.hex(), self._show(each.event_id, "dropped", each.stage, each.reason)) for each in found]

    def _read_quarantined(self, after: str, picked: Picked) -> _Rows:
        found = find_run_quarantined(self.connection, self.connector, self.run_id, _BATCH, int(after or "0"), picked)
        return [
            (str(each.id), self._show(each.event_id, "quarantined", each.stage, each.issue, each.detail))
            for each in found
        ]

    def _read_sent(self, after: str, picked: Picked) -> _Rows:
        del picked  # detections have no code, and only one stage
        batch, _, key = after.partition(".")
        place = (int(batch), bytes.fromhex(key)) if after else None
        found = find_run_detections(self.connection, self.connector, self.run_id, _BATCH, place)
        states = find_states(self.connection, [each.key for each in found])
        return [
            (
                f"{each.batch}.{each.key.hex()}",
                show_delivered(states[each.key], each.event_id) if each.key in states else None,
            )
            for each in found
        ]

    def _show(self, event_id: str | None, fate: str, stage: str, code: str, detail: str = "") -> Record:
        words = self.wording.say(self.connector, code)
        return Record(event_id, fate, stage, code, words, detail if detail != words else "")


def find_ledger_records(
    run: LedgerRun, query: RecordQuery, cursor: str | None = None, limits: Limits | None = None
) -> RecordPage:
    """Return the wanted records from the cursor on. Raises WrongQuestionError for an invalid cursor."""
    limits, wanted = limits or Limits(), [part for part in _PARTS if _is_wanted(part, query)]
    place = read_cursor(cursor, query.fingerprint) if cursor else None
    if place is not None and place.file not in wanted:
        raise WrongQuestionError(
            "The run's artifacts were deleted since the last page. Start again with the first page."
        )
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
    """Return whether a part can have wanted records. Detections have no code, and only one stage."""
    has_all = part != "detection" or (not query.code and query.stage in ("", _DELIVERY))
    return has_all and query.fate in ("all", part)


def _read_from(
    run: LedgerRun, query: RecordQuery, wanted: list[str], place: Cursor | None
) -> Iterator[tuple[str, str, Record]]:
    """Yield part, place and record of everything after a place."""
    for part in wanted[wanted.index(place.file) if place else 0 :]:
        after = place.key if place and part == place.file else ""
        try:
            for at, record in run.read(part, after, Picked(query.stage, query.code)):
                yield part, at, record
        except (ValueError, OverflowError):
            raise wrong_cursor() from None


def show_delivered(found: DeliveredDetection, event_id: str | None) -> Record:
    """Return a detection in the ledger as a record."""
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
