"""How the connector's current options treat an event: what stops it, why it has no ATT&CK codes, when it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ci_operators.answers.event.finder import EventFinder
from ci_operators.answers.wording import faqs_of, words_of
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.trail import Trail
from ci_operators.sources.registry import load_source
from ci_operators.stages.chain import make_chain, take_through


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of an event with the connector's current options.

    fate: "passed", else "dropped" or "quarantined" at `stage`, with its code and detail. notes: codes of what was
    left out. detections: what it becomes; only those that pass.
    """

    fate: str
    stage: str = ""
    code: str | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()
    detections: Sequence[Row] = ()


def judge(connector: Connector, event: bytes) -> Judgement:
    """Return the outcome of an event in the same steps as in a run; nothing is written."""
    notes = list[str]()
    passages = take_through(make_chain(connector, notes.append), event)
    rows = [read_row(connector.name, passage.record) for passage in passages if passage.verdict is None]
    first = passages[0]
    match None if rows else first.verdict:
        case Dropped(reason):
            return Judgement("dropped", first.stage, reason)
        case Quarantined(issue, detail=detail):
            return Judgement("quarantined", first.stage, issue, detail)
        case None:
            return Judgement("passed", notes=tuple(dict.fromkeys(notes)), detections=rows)


def say_keeping(connector: Connector, found: Judgement) -> str:
    """Return a sentence on what keeps an event from becoming a detection; "" if nothing does."""
    if found.code is None:
        return ""
    words = words_of(connector.source).get(found.code, found.code)
    if found.fate == "dropped":
        return f"the criteria exclude it ({found.code}): {words}"
    return f"it would be quarantined ({found.code}): {found.detail or words}"


def explain_codes(connector: Connector, found: Judgement) -> list[str]:
    """Return why an event's detections have no ATT&CK codes; an empty list if all have codes or there are none."""
    if all(row.codes for row in found.detections):
        return []
    words, faqs = words_of(connector.source), faqs_of(connector.source)
    told = [f"{words.get(code, code)} ({faqs[code]})" for code in found.notes if code in faqs]
    return told or ["Nothing that the event names has an ATT&CK code."]


def say_no_codes(connector: str, why: str) -> str:
    """Return the sentence on a detection without ATT&CK codes."""
    return f"{connector}: no ATT&CK codes. {why}"


def find_codes_why(trail: Trail, event_id: str, connectors: Sequence[Connector], finder: EventFinder) -> list[str]:
    """Return, for each connector that delivered the event without ATT&CK codes, a sentence on why it has none."""
    known = {connector.name: connector for connector in connectors}
    in_time = sorted(trail.detections, key=lambda found: found.first_seen)
    # The event is searched once for each connector, in the newest run: its artifacts most likely still exist.
    runs = {found.connector: found.run_id for found in in_time if not found.codes and found.connector in known}
    return [
        say_no_codes(name, text)
        for name, run_id in runs.items()
        for text in _find_codes_why(known[name], run_id, event_id, finder)
    ]


def _find_codes_why(connector: Connector, run_id: str, event_id: str, finder: EventFinder) -> list[str]:
    try:
        event = finder.find(connector, run_id, event_id)
        verdict = judge(connector, event) if event else None
    except CollectiveInsightsError as err:
        return [f"The event cannot be read again: {err}"]
    if verdict is None:
        title = load_source(connector.source).title
        return [f"The event was not found in the run's artifacts or at {title}."]
    if all(row.codes for row in verdict.detections):
        return ["With today's options the detection would be different: the options or the event have changed."]
    return explain_codes(connector, verdict)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The time that a connector's scheduled runs have read: start of the first window to end of the last."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What a source says about an event of one connector, in words. failed: it could not be asked.

    sentence: the same words after the connector's name, for a list of several connectors.
    codes_why: why its detection would have no ATT&CK codes; empty if it would have some.
    """

    connector: str
    source: str
    found: bool
    words: str
    time: datetime | None = None
    failed: bool = False
    code: str | None = None
    codes_why: tuple[str, ...] = ()
    sentence: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", f"{self.connector}: {self.words}")


def ask_source(connector: Connector, event_id: str, coverage: Coverage, finder: EventFinder) -> SourceAnswer:
    """Return what the connector's source says about the event, and what the connector would do with it."""
    name, source = connector.name, load_source(connector.source)
    try:
        event = finder.ask_source(connector, event_id)
    except CollectiveInsightsError as err:
        return SourceAnswer(name, source.title, False, f"{source.title} could not be asked: {err}", failed=True)
    if event is None:
        return SourceAnswer(name, source.title, False, f"{source.title} does not have the event.")
    time, verdict = source.read_time(connector, event), judge(connector, event)
    fate = say_keeping(connector, verdict) or f"it passes the criteria and {foresee(connector, time, coverage)}"
    if len(verdict.detections) > 1:
        indicators = ", ".join(f"{row.indicator_type} {row.indicator}" for row in verdict.detections)
        fate += f" It gives {len(verdict.detections)} detections: {indicators}."
    words = f"{source.title} has it{f', of {format_instant(time)}' if time else ''}; {fate}"
    why = tuple(explain_codes(connector, verdict))
    return SourceAnswer(name, source.title, True, words, time, code=verdict.code, codes_why=why)


def foresee(connector: Connector, time: datetime | None, coverage: Coverage) -> str:
    """Return in words whether and when an event that passes the criteria arrives."""
    if connector.debug:
        return "would only be checked: the connector is in debug mode, which delivers nothing."
    if time is None:
        return "has no time, so its run is not known."
    if coverage.since is None or coverage.until is None:
        return "will arrive when the connector's first runs read it. No run has delivered yet."
    if time >= coverage.until:
        return "will arrive with the next run."
    hour = time.replace(minute=0, second=0, microsecond=0)
    period = f"{format_instant(hour)} to {format_instant(hour + timedelta(hours=1))}"
    if time < coverage.since:
        return f"is older than the initial import ({format_instant(coverage.since)}). Run a backfill of {period}."
    return (
        "is in a window that was delivered without it: it was published later than the overlap, or the "
        f"options have changed. Trigger a run of {period}. Nothing is sent twice."
    )
