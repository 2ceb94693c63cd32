"""One event of a run in full: as the source gave it, what each stage made of it, the detection as it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ci_operators.answers.deadline import Deadline
from ci_operators.answers.event.staged import find_event
from ci_operators.answers.event.story import StoryFacts, tell_story
from ci_operators.answers.event.view import View, view_record
from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.run.files import RunFiles
from ci_operators.answers.run.ledger_records import records_of_trail
from ci_operators.answers.run.record import Candidate, KnownState, LookUp, Record, RecordReader
from ci_operators.answers.run.scan import Limits, Scan, read_place
from ci_operators.answers.run.search import RecordQuery
from ci_operators.answers.wording import say_state
from ci_operators.core.connector import Connector
from ci_operators.core.instant import format_instant
from ci_operators.ledger.trail import DeliveredDetection, Trail
from ci_operators.sources.registry import load_source

#: A person waits for the whole, for its records as for the event itself.
PATIENCE = Limits(text_bytes=1 << 34, seconds=5.0)
#: Records of one event that are shown: most events have one, some have one for each of their indicators.
_MOST = 100
#: What is quarantined by these stages is the event itself, not yet a detection.
_OF_EVENTS = ("filter", "map")


@dataclass(frozen=True, slots=True)
class SentDetection:
    """A detection as it is sent, with what the ledger says of it. sent: None where only the ledger knows it."""

    sent: Any
    indicator_type: str | None
    indicator: str | None
    codes: Sequence[str]
    state: str | None = None
    state_words: str = ""
    message: str | None = None
    batch: int | None = None
    attempts: int | None = None
    settled_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDetail:
    """All about one event of a run. fate to faq: of its record, if it has one yet. personal: paths of the event that
    are shown on demand alone; truncated: whether something of it was too long to be shown; story: what became of it,
    stage by stage, in sentences."""

    event_id: str | None
    fate: str | None = None
    stage: str | None = None
    code: str | None = None
    words: str = ""
    detail: str = ""
    faq: str = ""
    event: Any
    event_note: str
    personal: Sequence[str]
    truncated: bool
    detections: Sequence[SentDetection]
    story: Sequence[str]


@dataclass(frozen=True, slots=True)
class RecordInquiry:
    """By what a record is found. find_trail: what the ledger knows of an event; None for debug runs, like look_up.
    limits: of the whole search."""

    files: RunFiles
    connector: Connector
    reader: RecordReader
    look_up: LookUp | None = None
    find_trail: Callable[[str], Trail] | None = None
    limits: Limits = PATIENCE


def find_detail(inquiry: RecordInquiry, event_id: str, indicator: str = "", place: str = "") -> RecordDetail | None:
    """Return all about an event of the run, or about the one of its records with the indicator; None if the run and
    the ledger know nothing of it. place: of a record without an event id, instead. Raises WrongQuestionError for a
    place that is none, and where neither is named."""
    if not event_id and not place:
        raise WrongQuestionError("Name an event_id, or a record's place.")
    search = _Search(inquiry, event_id, Deadline.after(inquiry.limits.seconds, inquiry.limits.clock))
    if place:
        search.look_at(place)
    else:
        search.look(indicator)
    search.find_raw()
    search.ask_ledger()
    return search.tell() if search.has_found else None


@dataclass
class _Search:
    inquiry: RecordInquiry
    event_id: str
    deadline: Deadline
    found: list[Candidate] = field(default_factory=list)
    states: Mapping[bytes, KnownState] = field(default_factory=dict)
    record: Record | None = None
    is_whole: bool = True
    raw: bytes | None = None
    note: str = ""
    trail: Trail | None = None

    @property
    def has_found(self) -> bool:
        """Return whether there is something to tell, be it that not everything could be looked through."""
        return self.raw is not None or bool(self.found) or bool(self.trail) or not self.is_whole

    def look(self, indicator: str) -> None:
        """Find the event's records, the one with the indicator first."""
        query = RecordQuery(event_id=self.event_id)
        limits = replace(self.deadline.cut(self.inquiry.limits, 0.5), records=_MOST)  # the event is looked for too
        scan = Scan(query, self.inquiry.reader, limits, self.inquiry.look_up, keeps=True)
        for number, file in enumerate(self.inquiry.files.settled()):
            rest = "left" if number and scan.is_over else scan.read(file)
            self.is_whole = self.is_whole and rest is None
        pairs = sorted(zip(scan.records, scan.candidates, strict=True), key=lambda pair: _rank(pair[0], indicator))
        self.record = pairs[0][0] if pairs else None
        unique = {candidate.key or candidate.payload: candidate for _, candidate in pairs}
        self.found = list(unique.values())
        keys = [candidate.key for candidate in self.found if candidate.key]
        self.states = self.inquiry.look_up(keys) if keys and self.inquiry.look_up else {}

    def look_at(self, place: str) -> None:
        """Take the record at a place."""
        candidate = read_place(self.inquiry.files, self.inquiry.reader, place)
        self.found, self.record = [candidate], candidate.record

    def find_raw(self) -> None:
        """Find the event as the source gave it, or why it cannot be shown."""
        for candidate in self.found:
            if candidate.record.fate == "quarantined" and candidate.record.stage in _OF_EVENTS:
                self.raw = candidate.payload
                return
        if not self.event_id:
            self.note = "The event has no id: it cannot be told from the others that extract staged."
            return
        limits = self.deadline.cut(self.inquiry.limits)
        found = find_event(self.inquiry.files, self.inquiry.connector, self.event_id, limits)
        self.raw, self.note = found.event, found.note
        if found.is_late:
            self.is_whole = False
            self.note += " `python -m ci_operators explain ID` asks the ledger and the source for it."

    def ask_ledger(self) -> None:
        """Take what the ledger knows for what the artifacts no longer tell."""
        if self.found or not self.event_id or self.inquiry.find_trail is None:
            return
        self.trail = self.inquiry.find_trail(self.event_id)
        if self.trail:
            self.record = records_of_trail(self.trail, self.inquiry.reader.wording, self.event_id)[0]

    def tell(self) -> RecordDetail:
        """Return what was found."""
        view = View(None, truncated=False) if self.raw is None else view_record(self.raw)
        sent = [self._show(found) for found in self.found if found.key is not None]
        by_ledger = [_show_delivered(found) for found in self.trail.detections] if self.trail else []
        detail = RecordDetail(
            event_id=self.event_id or None,
            event=view.value,
            event_note=self.note if view.is_json else "The event is no JSON: shown as text.",
            personal=load_source(self.inquiry.connector.source).personal,
            truncated=view.truncated or any(one.truncated for one, _ in sent),
            detections=[detection for _, detection in sent] or by_ledger,
            story=list(tell_story(self._as_told())),
        )
        return detail if self.record is None else self._add_record(detail, self.record)

    def _add_record(self, detail: RecordDetail, record: Record) -> RecordDetail:
        name, wording = self.inquiry.connector.name, self.inquiry.reader.wording
        return replace(
            detail,
            fate=record.fate,
            stage=record.stage,
            code=record.code,
            words=record.words,
            detail=record.detail,
            faq=wording.name_faq(name, record.code) if record.code else "",
        )

    def _as_told(self) -> StoryFacts:
        return StoryFacts(
            self.inquiry.connector,
            self.inquiry.reader.wording,
            self.raw,
            self.trail,
            self.record,
            list(self.states.values()),
            has_codes=any(candidate.record.codes for candidate in self.found if candidate.key),
            last_stage=next(reversed(list(self.inquiry.files.stages)), "extract"),
            is_whole=self.is_whole,
        )

    def _show(self, candidate: Candidate) -> tuple[View, SentDetection]:
        record, view = candidate.record, view_record(candidate.payload)
        sent = SentDetection(view.value, record.indicator_type, record.indicator, record.codes)
        known = self.states.get(candidate.key) if candidate.key else None
        return view, _add_state(sent, known) if known else sent


def _rank(record: Record, indicator: str) -> tuple[bool, bool]:
    """Return what puts the record that a person asks for first; what stopped an event says more than what passed."""
    return bool(indicator) and record.indicator != indicator, record.fate == "detection"


def _show_delivered(found: DeliveredDetection) -> SentDetection:
    return _add_state(SentDetection(None, found.indicator_type, found.indicator, found.codes), found)


def _add_state(sent: SentDetection, known: KnownState) -> SentDetection:
    """Return the detection with what the ledger says of it."""
    return replace(
        sent,
        state=known.state,
        state_words=say_state(known.state),
        message=known.message,
        batch=known.batch,
        attempts=known.attempts,
        settled_at=format_instant(known.settled_at) if known.settled_at else None,
    )
