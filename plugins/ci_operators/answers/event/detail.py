"""One event of a run in full: as the source returned it, what each stage did with it, and the detection it became."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ci_operators.answers.event.finder import find_event
from ci_operators.answers.event.story import StoryFacts, tell_story
from ci_operators.answers.event.view import View, view_record
from ci_operators.answers.question import Deadline, Limits, WrongQuestionError
from ci_operators.answers.run.artifacts import ArtifactError, RunFiles, read_blocks
from ci_operators.answers.run.ledger_records import show_delivered
from ci_operators.answers.run.query import RecordQuery
from ci_operators.answers.run.record import UNREADABLE, Candidate, LookUp, Record, RecordReader
from ci_operators.answers.run.records import Scan
from ci_operators.answers.wording import Wording, say_state
from ci_operators.core.connector import Connector
from ci_operators.core.instant import format_instant
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail
from ci_operators.sources.registry import load_source

#: The limits of one answer, because a person waits for it: the event and its records together.
PATIENCE = Limits(text_bytes=1 << 34, seconds=5.0)
#: The most records of one event that are shown. Most events have one, some have one for each of their indicators.
_MOST = 100
#: What these stages quarantine is still the event, not a detection.
_OF_EVENTS = ("filter", "map")
_NO_RECORD = Record(None, "", "")


@dataclass
class RecordInquiry:
    """Finds everything about one event of a run, for one question. find_trail: returns what the ledger knows about an
    event; None for debug runs, like look_up. limits: of the whole search."""

    files: RunFiles
    connector: Connector
    reader: RecordReader
    look_up: LookUp | None = None
    find_trail: Callable[[str], Trail] | None = None
    limits: Limits = PATIENCE

    def __post_init__(self) -> None:
        self.event_id, self.note = "", ""
        self.deadline = Deadline.after(self.limits.seconds, self.limits.clock)
        last_stage = next(reversed(list(self.files.stages)), "extract")
        self.facts = StoryFacts(self.connector, self.reader.wording, last_stage=last_stage)
        self.found = list[Candidate]()
        self.states: Mapping[bytes, DeliveredDetection] = {}

    def find(self, event_id: str, indicator: str = "", place: str = "") -> dict[str, Any] | None:
        """Return everything about an event of the run, or about its record with the indicator; None if neither the
        run nor the ledger knows it. place: identifies a record that has no event id.

        fate to faq describe its record, if it has one yet; personal: paths in the event that are shown only on
        demand; truncated: whether a part was too long to be shown; detections: as they are sent (None if only the
        ledger knows them), with their state in the ledger; story: what happened to the event, a sentence for each
        stage. Raises WrongQuestionError for an invalid place, and if both event_id and place are empty.
        """
        self.event_id = event_id
        if place:
            self._look_at(place)
        elif event_id:
            self._look(indicator)
        else:
            raise WrongQuestionError("Specify an event_id, or the place of a record.")
        self._find_raw()
        self._ask_ledger()
        return self._tell() if self._has_found else None

    @property
    def _has_found(self) -> bool:
        """Return whether there is something to report, even if it is only that the search was incomplete."""
        facts = self.facts
        return facts.raw is not None or bool(self.found) or bool(facts.trail) or not facts.is_whole

    def _look(self, indicator: str) -> None:
        """Find the event's records, and put the one with the indicator first."""
        query, look_up = RecordQuery(event_id=self.event_id), self.look_up
        limits = replace(self.deadline.cut(self.limits, 0.5), records=_MOST)  # the rest is for the event
        scan = Scan(query, self.reader, limits, look_up, keeps=True)
        for number, file in enumerate(self.files.settled()):
            is_read = not (number and scan.is_over) and scan.read(file) is None
            self.facts.is_whole = self.facts.is_whole and is_read
        pairs = sorted(zip(scan.records, scan.candidates, strict=True), key=lambda pair: _rank(pair[0], indicator))
        self.facts.record = pairs[0][0] if pairs else None
        self.found = list({candidate.key or candidate.payload: candidate for _, candidate in pairs}.values())
        keys = [candidate.key for candidate in self.found if candidate.key]
        self.states = look_up(keys) if keys and look_up else {}
        self.facts.states = list(self.states.values())
        self.facts.has_codes = any(candidate.record.codes for candidate in self.found if candidate.key)

    def _look_at(self, place: str) -> None:
        """Find the record at a place."""
        candidate = _read_place(self.files, self.reader, place)
        self.found, self.facts.record = [candidate], candidate.record

    def _find_raw(self) -> None:
        """Find the event as the source returned it, or the reason why it cannot be shown."""
        for candidate in self.found:
            if candidate.record.fate == "quarantined" and candidate.record.stage in _OF_EVENTS:
                self.facts.raw = candidate.payload
                return
        if not self.event_id:
            self.note = "The event has no id, so it cannot be found among the events that extract staged."
            return
        limits = self.deadline.cut(self.limits)
        found = find_event(self.files, self.connector, self.event_id, limits)
        self.facts.raw, self.note = found.event, found.note
        if found.is_late:
            self.facts.is_whole = False
            self.note += " `python -m ci_operators explain ID` asks the ledger and the source."

    def _ask_ledger(self) -> None:
        """Find in the ledger what the artifacts no longer have."""
        if self.found or not self.event_id or self.find_trail is None:
            return
        trail = self.find_trail(self.event_id)
        if trail:
            self.facts.trail = trail
            self.facts.record = records_of_trail(trail, self.facts.wording, self.event_id)[0]

    def _tell(self) -> dict[str, Any]:
        """Return what was found."""
        facts, name = self.facts, self.connector.name
        view = View(None, truncated=False) if facts.raw is None else view_record(facts.raw)
        sent = [(found, view_record(found.payload)) for found in self.found if found.key]
        shown = [_show(one.value, found.record, self.states.get(found.key or b"")) for found, one in sent]
        record = facts.record or _NO_RECORD
        return {
            "event_id": self.event_id or None,
            "fate": record.fate or None,
            "stage": record.stage or None,
            "code": record.code,
            "words": record.words,
            "detail": record.detail,
            "faq": facts.wording.name_faq(name, record.code) if record.code else "",
            "event": view.value,
            "event_note": self.note if view.is_json else "The event is not JSON. It is shown as text.",
            "personal": load_source(self.connector.source).personal,
            "truncated": view.truncated or any(one.truncated for _, one in sent),
            "detections": shown
            or [_show(None, each, each) for each in (facts.trail.detections if facts.trail else ())],
            "story": list(tell_story(facts)),
        }


def _read_place(files: RunFiles, reader: RecordReader, place: str) -> Candidate:
    """Return the record at a place of the run's artifacts. Raises WrongQuestionError if there is none."""
    name, _, offset = place.rpartition(":")
    try:
        file = next(file for file in files.settled() if file.name == name and offset.isdecimal())
        block = next(read_blocks(file.path, int(offset[:18])))
        return reader.read(next(block.lines())[0], file.fate, file.stage)
    except (StopIteration, ValueError, ArtifactError, *UNREADABLE):
        raise WrongQuestionError("The run has no record at this place. Find it in the table again.") from None


def records_of_trail(trail: Trail, wording: Wording, event_id: str) -> list[Record]:
    """Return an event's records as the table of a run shows them; those that stopped the event come first."""

    def show(entry: DroppedEvent | QuarantinedEvent, fate: str, code: str, detail: str = "") -> Record:
        return Record(event_id, fate, entry.stage, code, wording.say(entry.connector, code), detail)

    return [
        *(show(entry, "quarantined", entry.issue, entry.detail) for entry in trail.quarantined),
        *(show(entry, "dropped", entry.reason) for entry in trail.dropped),
        *(show_delivered(found, event_id) for found in trail.detections),
    ]


def _rank(record: Record, indicator: str) -> tuple[bool, bool]:
    """Return the sort key: first the record that was asked for, and what stopped an event before what passed."""
    return bool(indicator) and record.indicator != indicator, record.fate == "detection"


def _show(sent: Any, found: Record | DeliveredDetection, known: DeliveredDetection | None) -> dict[str, Any]:
    """Return a detection with its state in the ledger."""
    return {
        "sent": sent,
        "indicator_type": found.indicator_type,
        "indicator": found.indicator,
        "codes": found.codes,
        "state": known.state if known else None,
        "state_words": say_state(known.state) if known else "",
        "message": known.message if known else None,
        "batch": known.batch if known else None,
        "attempts": known.attempts if known else None,
        "settled_at": format_instant(known.settled_at) if known and known.settled_at else None,
    }
