"""What became of an event, as a person reads it: its steps from run to run, and a sentence for each thing that
happened to it."""

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
    "filter": "The criteria let it in.",
    "map": "Made into a detection.",
    "validate": "What the API takes.",
    "submit": "Handed to Recorded Future.",
}

Entry = DroppedEvent | QuarantinedEvent | DeliveredDetection


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage of one run made of the event. fate: "passed", "dropped", "quarantined", "replayed", or the
    state of its detection. `at`: None where nobody wrote down when."""

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
    """Return the event's way in the order it went: run by run, in each of them stage by stage."""
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
    """Return what puts the runs in their order, and in each of them the detection behind its quarantine."""
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
    """Yield a sentence for each thing that became of the event, by the ledger."""
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
    """What the story of one event of a run is told from.

    raw: the event; trail: what the ledger knows, where the artifacts tell nothing; record: its row of the run's
    table; states: of its detections; last_stage: that has finished; is_whole: whether all artifacts were looked
    through.
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
    """Yield a sentence for each stage of the run, and for what would become of the event today."""
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
            "The run has more records than can be looked through at once: search its table for the event, or ask "
            "`python -m ci_operators explain ID`."
        )
        return
    for stage, words in (*_passed_before(facts.last_stage), (facts.last_stage, PASSED[facts.last_stage])):
        yield f"{stage}: {words}"
    yield "Its further way is not known: the next stage has not finished, or its artifacts are gone."


def _tell_judgement(facts: StoryFacts, raw: bytes) -> Iterator[str]:
    """Yield why there are no ATT&CK codes, and what the options as they stand now would make of the event."""
    record = facts.record
    try:
        verdict = judge(facts.connector, raw)
    except CollectiveInsightsError as err:
        yield f"What the criteria say of it today cannot be told: {err}"
        return
    if record is not None and record.fate == "detection" and not facts.has_codes:
        yield from (f"No ATT&CK codes: {text}" for text in explain_codes(facts.connector, verdict))
    if record is None or _differs(record, verdict):
        yield f"By the connector's options as they stand now: {say_keeping(facts.connector, verdict) or 'it passes.'}"


def _differs(record: Record, verdict: Judgement) -> bool:
    """Return whether an event would not meet today what it met in its run, as far as the stages before submit go."""
    if record.stage == "submit" or record.fate == "detection":
        return verdict.code is not None
    return record.code != verdict.code and record.code != "rejected_by_api"
