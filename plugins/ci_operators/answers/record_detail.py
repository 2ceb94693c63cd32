"""One event of a run in full: as the source gave it, what each stage made of it, the detection as it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ci_operators.answers.event_search import PATIENCE, find_event
from ci_operators.answers.event_view import View, view_record
from ci_operators.answers.ledger_records import records_of_trail
from ci_operators.answers.record import Candidate, KnownState, LookUp, Record, RecordReader
from ci_operators.answers.record_search import RecordQuery
from ci_operators.answers.record_story import Told, tell_story
from ci_operators.answers.run_files import RunFiles
from ci_operators.answers.scan import Limits, Scan, read_place
from ci_operators.answers.wording import say_state
from ci_operators.core.connector import Connector
from ci_operators.core.instant import format_instant
from ci_operators.ledger.trail import DeliveredDetection, Trail
from ci_operators.sources.registry import load_source

#: Records of one event that are shown: it has one as a rule.
_MOST = 10
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


@dataclass(frozen=True, slots=True)
class RecordDetail:
    """All about one event of a run. personal: paths of the event that are shown on demand alone; truncated: whether
    something of it was too long to be shown; story: what became of it, stage by stage, in sentences."""

    event_id: str | None
    fate: str | None
    stage: str | None
    code: str | None
    words: str
    detail: str
    faq: str
    event: Any
    event_note: str
    personal: Sequence[str]
    truncated: bool
    detections: Sequence[SentDetection]
    story: Sequence[str]


@dataclass(frozen=True, slots=True)
class RecordMeans:
    """By what a record is found. find_trail: what the ledger knows of an event; None for debug runs, like look_up."""

    files: RunFiles
    connector: Connector
    reader: RecordReader
    look_up: LookUp | None = None
    find_trail: Callable[[str], Trail] | None = None
    limits: Limits = PATIENCE


def find_detail(means: RecordMeans, event_id: str, indicator: str = "", place: str = "") -> RecordDetail | None:
    """Return all about an event of the run, or about the one of its records with the indicator; None if the run and
    the ledger know nothing of it. place: of a record without an event id, instead. Raises WrongQuestionError for a
    place that is none."""
    search = _Search(means, event_id)
    if place:
        search.look_at(place)
    else:
        search.look(indicator)
    raw, note = search.find_raw()
    trail = means.find_trail(event_id) if means.find_trail and event_id and not search.found else None
    if raw is None and not search.found and not trail:
        return None
    view = view_record(raw) if raw is not None else View(None, truncated=False)
    if trail:
        search.take_trail(trail)
    sent = [search.show(found) for found in search.found if found.key is not None]
    record = search.record
    source = load_source(means.connector.source)
    code = record.code if record else None
    return RecordDetail(
        event_id=event_id or None,
        fate=record.fate if record else None,
        stage=record.stage if record else None,
        code=code,
        words=record.words if record else "",
        detail=record.detail if record else "",
        faq=means.reader.wording.name_faq(means.connector.name, code) if code else "",
        event=view.value,
        event_note=note if raw is None else "" if view.is_json else "The event is no JSON: shown as text.",
        personal=source.personal,
        truncated=view.truncated or any(one.truncated for one, _ in sent),
        detections=[detection for _, detection in sent] or list(search.by_ledger),
        story=list(tell_story(search.as_told(raw, trail))),
    )


@dataclass
class _Search:
    means: RecordMeans
    event_id: str
    found: list[Candidate] = field(default_factory=list)
    states: Mapping[bytes, KnownState] = field(default_factory=dict)
    record: Record | None = None
    by_ledger: Sequence[SentDetection] = ()
    is_whole: bool = True

    def look(self, indicator: str) -> None:
        """Find the event's records, the one with the indicator first."""
        query = RecordQuery(event_id=self.event_id)
        limits = replace(self.means.limits, records=_MOST)
        scan = Scan(query, self.means.reader, limits, self.means.look_up, keeps=True)
        for number, file in enumerate(self.means.files.settled()):
            rest = "left" if number and scan.is_over else scan.read(file)
            self.is_whole = self.is_whole and rest is None
        pairs = sorted(zip(scan.records, scan.candidates, strict=True), key=lambda pair: _rank(pair[0], indicator))
        self.record = pairs[0][0] if pairs else None
        unique = {candidate.key or candidate.payload: candidate for _, candidate in pairs}
        self.found = list(unique.values())
        keys = [candidate.key for candidate in self.found if candidate.key]
        self.states = self.means.look_up(keys) if keys and self.means.look_up else {}

    def look_at(self, place: str) -> None:
        """Take the record at a place."""
        candidate = read_place(self.means.files, self.means.reader, place)
        self.found, self.record = [candidate], candidate.record

    def take_trail(self, trail: Trail) -> None:
        """Take what the ledger knows for what the artifacts no longer tell."""
        records = records_of_trail(trail, self.means.reader.wording, self.event_id)
        self.record = records[0]
        self.by_ledger = [_show_delivered(found) for found in trail.detections]

    def as_told(self, raw: bytes | None, trail: Trail | None) -> Told:
        """Return what the event's story is told from."""
        has_codes = any(candidate.record.codes for candidate in self.found if candidate.key)
        states = list(self.states.values())
        last = next(reversed(list(self.means.files.stages)), "extract")
        wording = self.means.reader.wording
        return Told(
            self.means.connector, wording, raw, trail, self.record, states, has_codes, last, is_whole=self.is_whole
        )

    def find_raw(self) -> tuple[bytes | None, str]:
        """Return the event as the source gave it, and why it cannot be shown."""
        for candidate in self.found:
            if candidate.record.fate == "quarantined" and candidate.record.stage in _OF_EVENTS:
                return candidate.payload, ""
        if not self.event_id:
            return None, "The event has no id: it cannot be told from the others that extract staged."
        found = find_event(self.means.files, self.means.connector, self.event_id, self.means.limits)
        return found.event, found.note

    def show(self, candidate: Candidate) -> tuple[View, SentDetection]:
        """Return a detection as it is sent."""
        record, view = candidate.record, view_record(candidate.payload)
        known = self.states.get(candidate.key) if candidate.key else None
        sent = SentDetection(view.value, record.indicator_type, record.indicator, record.codes)
        if known is None:
            return view, sent
        return view, replace(
            sent,
            state=known.state,
            state_words=say_state(known.state),
            message=known.message,
            batch=known.batch,
            attempts=known.attempts,
            settled_at=format_instant(known.settled_at) if known.settled_at else None,
        )


def _rank(record: Record, indicator: str) -> tuple[bool, bool]:
    """Return what puts the record that a person asks for first; what stopped an event says more than what passed."""
    return bool(indicator) and record.indicator != indicator, record.fate == "detection"


def _show_delivered(found: DeliveredDetection) -> SentDetection:
    return SentDetection(
        sent=None,
        indicator_type=found.indicator_type,
        indicator=found.indicator,
        codes=found.codes,
        state=found.state,
        state_words=say_state(found.state),
        message=found.message,
        batch=found.batch,
        attempts=found.attempts,
        settled_at=format_instant(found.settled_at) if found.settled_at else None,
    )
