"""One event of a run in full: as the source gave it, what each stage made of it, the detection as it is sent."""

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

#: A person waits for the whole, for its records as for the event itself.
PATIENCE = Limits(text_bytes=1 << 34, seconds=5.0)
#: Records of one event that are shown: most events have one, some have one for each of their indicators.
_MOST = 100
#: What is quarantined by these stages is the event itself, not yet a detection.
_OF_EVENTS = ("filter", "map")
_NO_RECORD = Record(None, "", "")


@dataclass
class RecordInquiry:
    """Finds all about one event of a run, for one question. find_trail: what the ledger knows of an event; None for
    debug runs, like look_up. limits: of the whole search."""

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
        """Return all about an event of the run, or about the one of its records with the indicator; None if the run
        and the ledger know nothing of it. place: of a record without an event id, instead.

        fate to faq are those of its record, if it has one yet; personal: paths of the event that are shown on demand
        alone; truncated: whether something of it was too long to be shown; detections: as they are sent (None where
        only the ledger knows it), with what the ledger says of them; story: what became of it, stage by stage, in
        sentences. Raises WrongQuestionError for a place that is none, and if neither is named.
        """
        self.event_id = event_id
        if place:
            self._look_at(place)
        elif event_id:
            self._look(indicator)
        else:
            raise WrongQuestionError("Name an event_id, or a record's place.")
        self._find_raw()
        self._ask_ledger()
        return self._tell() if self._has_found else None

    @property
    def _has_found(self) -> bool:
        """Return whether there is something to tell, even if it is that not everything could be looked through."""
        facts = self.facts
        return facts.raw is not None or bool(self.found) or bool(facts.trail) or not facts.is_whole

    def _look(self, indicator: str) -> None:
        """Find the event's records, the one with the indicator first."""
        query, look_up = RecordQuery(event_id=self.event_id), self.look_up
        limits = replace(self.deadline.cut(self.limits, 0.5), records=_MOST)  # the event is looked for too
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
        """Take the record at a place."""
        candidate = _read_place(self.files, self.reader, place)
        self.found, self.facts.record = [candidate], candidate.record

    def _find_raw(self) -> None:
        """Find the event as the source gave it, or why it cannot be shown."""
        for candidate in self.found:
            if candidate.record.fate == "quarantined" and candidate.record.stage in _OF_EVENTS:
                self.facts.raw = candidate.payload
                return
        if not self.event_id:
            self.note = "The event has no id: it cannot be told from the others that extract staged."
            return
        limits = self.deadline.cut(self.limits)
        found = find_event(self.files, self.connector, self.event_id, limits)
        self.facts.raw, self.note = found.event, found.note
        if found.is_late:
            self.facts.is_whole = False
            self.note += " `python -m ci_operators explain ID` asks the ledger and the source for it."

    def _ask_ledger(self) -> None:
        """Take what the ledger knows for what the artifacts no longer tell."""
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
            "event_note": self.note if view.is_json else "The event is no JSON: shown as text.",
            "personal": load_source(self.connector.source).personal,
            "truncated": view.truncated or any(one.truncated for _, one in sent),
            "detections": shown
            or [_show(None, each, each) for each in (facts.trail.detections if facts.trail else ())],
            "story": list(tell_story(facts)),
        }


def _read_place(files: RunFiles, reader: RecordReader, place: str) -> Candidate:
    """Return the record at a place of the run's artifacts. Raises WrongQuestionError if none is there."""
    name, _, offset = place.rpartition(":")
    try:
        file = next(file for file in files.settled() if file.name == name and offset.isdecimal())
        block = next(read_blocks(file.path, int(offset[:18])))
        return reader.read(next(block.lines())[0], file.fate, file.stage)
    except (StopIteration, ValueError, ArtifactError, *UNREADABLE):
        raise WrongQuestionError("No record of the run is at this place: look for it in the table again.") from None


def records_of_trail(trail: Trail, wording: Wording, event_id: str) -> list[Record]:
    """Return what became of an event, as the table of a run shows it: what stopped it first."""

    def show(entry: DroppedEvent | QuarantinedEvent, fate: str, code: str, detail: str = "") -> Record:
        return Record(event_id, fate, entry.stage, code, wording.say(entry.connector, code), detail)

    return [
        *(show(entry, "quarantined", entry.issue, entry.detail) for entry in trail.quarantined),
        *(show(entry, "dropped", entry.reason) for entry in trail.dropped),
        *(show_delivered(found, event_id) for found in trail.detections),
    ]


def _rank(record: Record, indicator: str) -> tuple[bool, bool]:
    """Return what puts the record that a person asks for first; what stopped an event says more than what passed."""
    return bool(indicator) and record.indicator != indicator, record.fate == "detection"


def _show(sent: Any, found: Record | DeliveredDetection, known: DeliveredDetection | None) -> dict[str, Any]:
    """Return a detection with what the ledger says of it."""
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
