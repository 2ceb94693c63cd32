"""What happened to an event, in words: its steps from run to run, and a sentence for each outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from ci_operators.answers.event.judgement import Judgement, explain_codes, judge, say_keeping
from ci_operators.answers.run.record import Record
from ci_operators.answers.wording import STATES, Wording, say_state
from ci_operators.core.connector import DAG_PREFIX, Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail

#: What passing a stage means, in the order of the stages.
PASSED = {
    "extract": "Read from the source.",
    "filter": "It meets the criteria.",
    "map": "Mapped to a detection.",
    "validate": "The API accepts it.",
    "submit": "Sent to Recorded Future.",
}

Entry = DroppedEvent | QuarantinedEvent | DeliveredDetection


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage of one run did with the event. fate: "passed", "dropped", "quarantined", "replayed", or the
    state of its detection. at: when, None if that was not recorded."""

    connector: str
    run_id: str
    dag_id: str
    stage: str
    fate: str
    code: str | None
    words: str
    faq: str
    at: datetime | None


def make_steps(trail: Trail, wording: Wording) -> list[Step]:
    """Return the event's steps in their order: run by run, and stage by stage in each run."""
    entries: list[Entry] = [*trail.dropped, *trail.quarantined, *trail.detections]
    entries.sort(key=_order_of)
    steps: dict[tuple[str, str, str, str], Step] = {}
    for entry in entries:
        for step in _steps_of(entry, wording):
            steps.setdefault((step.connector, step.run_id, step.stage, step.fate), step)
    return list(steps.values())


def _passed_before(stage: str) -> list[tuple[str, str]]:
    return list(takewhile(lambda passed: passed[0] != stage, PASSED.items()))


def _order_of(entry: Entry) -> tuple[datetime, bool]:
    """Return the sort key: by time, and a detection after its quarantine in the same run."""
    if isinstance(entry, DeliveredDetection):
        return entry.first_seen, True
    return entry.seen_at, False


def _steps_of(entry: Entry, wording: Wording) -> Iterator[Step]:
    stage = "submit" if isinstance(entry, DeliveredDetection) else entry.stage
    for before, words in _passed_before(stage):
        yield _step(entry, before, "passed", words)
    match entry:
        case DroppedEvent(reason=code):
            faq = wording.name_faq(entry.connector, code)
            yield _step(entry, stage, "dropped", wording.say(entry.connector, code), entry.seen_at, code, faq)
        case QuarantinedEvent(issue=code):
            faq = wording.name_faq(entry.connector, code)
            yield _step(entry, stage, "quarantined", _say_issue(entry, wording), entry.seen_at, code, faq)
            if _was_replayed(entry):
                yield _step(entry, stage, "replayed", entry.replay_note or "", entry.replayed_at)
        case DeliveredDetection():
            state, at = STATES[entry.state], entry.settled_at or entry.reserved_at or entry.first_seen
            yield _step(entry, stage, entry.state, f"{state[:1].upper()}{state[1:]}.{_say_message(entry)}", at)


def _step(
    entry: Entry, stage: str, fate: str, words: str, at: datetime | None = None, code: str | None = None, faq: str = ""
) -> Step:
    return Step(entry.connector, entry.run_id, f"{DAG_PREFIX}{entry.connector}", stage, fate, code, words, faq, at)


def tell_trail(trail: Trail, wording: Wording) -> Iterator[str]:
    """Yield a sentence for each outcome of the event that the ledger has."""
    for drop in trail.dropped:
        rule = wording.say(drop.connector, drop.reason)
        yield f"{drop.connector}: dropped by {drop.stage} ({drop.reason}) in run {drop.run_id}: {rule}"
    for entry in trail.quarantined:
        after = f" Replayed: {entry.replay_note}." if _was_replayed(entry) else ""
        yield (
            f"{entry.connector}: quarantined by {entry.stage} as {entry.issue} in run {entry.run_id} "
            f"(quarantine {entry.id}): {_say_issue(entry, wording)}{after}"
        )
    for found in trail.detections:
        yield f"{found.connector}: detection {found.indicator_type} {found.indicator} is {_say_delivery(found)}"


def _say_issue(entry: QuarantinedEvent, wording: Wording) -> str:
    issue = wording.say(entry.connector, entry.issue)
    return issue + (f" {entry.detail}" if entry.detail and entry.detail != issue else "")


def _was_replayed(entry: QuarantinedEvent) -> bool:
    return entry.replayed_at is not None and entry.replayed_at >= entry.seen_at


def _say_delivery(found: DeliveredDetection) -> str:
    words = say_state(found.state)
    return f"{found.state}: {words} (run {found.run_id}, batch {found.batch}).{_say_message(found)}"


def _say_message(found: DeliveredDetection) -> str:
    return f" Message: {found.message}" if found.message else ""


@dataclass
class StoryFacts:
    """The facts from which the story of one event of a run is made.

    raw: the event; trail: what the ledger knows, if the artifacts have nothing; record: its row in the run's table;
    states: of its detections; last_stage: the last one that finished; is_whole: whether all artifacts were searched.
    """

    connector: Connector
    wording: Wording
    raw: bytes | None = None
    trail: Trail | None = None
    record: Record | None = None
    states: Sequence[DeliveredDetection] = ()
    has_codes: bool = False
    last_stage: str = "extract"
    is_whole: bool = True


def tell_story(facts: StoryFacts) -> Iterator[str]:
    """Yield a sentence for each stage of the run, and one on how today's options treat the event."""
    if facts.trail:
        yield from tell_trail(facts.trail, facts.wording)
    elif facts.record is None:
        yield from _tell_unfinished(facts)
    else:
        yield from _tell_record(facts, facts.record)
    if facts.raw is not None:
        yield from _tell_judgement(facts, facts.raw)


def _tell_record(facts: StoryFacts, record: Record) -> Iterator[str]:
    for stage, words in _passed_before(record.stage):
        yield f"{stage}: {words}"
    if record.fate != "detection":
        faq = facts.wording.name_faq(facts.connector.name, record.code or "")
        detail = f" {record.detail}" if record.detail else ""
        yield f"{record.stage}: {record.fate} ({record.code}): {record.words}{detail}{f' {faq}.' if faq else ''}"
    for known in facts.states:
        yield f"submit: {_say_delivery(known)}"
    if record.fate == "detection" and not facts.states:
        yield f"{record.stage}: {PASSED[record.stage]}"


def _tell_unfinished(facts: StoryFacts) -> Iterator[str]:
    if not facts.is_whole:
        yield (
            "The run has too many records to search at once. Search its table for the event, or run "
            "`python -m ci_operators explain ID`."
        )
        return
    for stage, words in (*_passed_before(facts.last_stage), (facts.last_stage, PASSED[facts.last_stage])):
        yield f"{stage}: {words}"
    yield "What happened after that is not known: the next stage has not finished, or its artifacts are gone."


def _tell_judgement(facts: StoryFacts, raw: bytes) -> Iterator[str]:
    """Yield why there are no ATT&CK codes, and how the current options treat the event."""
    record = facts.record
    try:
        verdict = judge(facts.connector, raw)
    except CollectiveInsightsError as err:
        yield f"The criteria cannot be applied to it now: {err}"
        return
    if record is not None and record.fate == "detection" and not facts.has_codes:
        yield from (f"No ATT&CK codes: {text}" for text in explain_codes(facts.connector, verdict))
    if record is None or _differs(record, verdict):
        yield f"With the connector's current options: {say_keeping(facts.connector, verdict) or 'it passes.'}"


def _differs(record: Record, verdict: Judgement) -> bool:
    """Return whether the outcome of the stages before submit would be different today."""
    if record.stage == "submit" or record.fate == "detection":
        return verdict.code is not None
    return record.code != verdict.code and record.code != "rejected_by_api"
