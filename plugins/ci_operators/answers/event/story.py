"""What became of one event of a run, in sentences, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ci_operators.answers.event.judgement import Judgement, explain_codes, judge, say_keeping
from ci_operators.answers.event.trail import PASSED, tell_trail
from ci_operators.answers.run.record import KnownState, Record
from ci_operators.answers.wording import Wording, say_state
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.trail import Trail


@dataclass(frozen=True, slots=True)
class StoryFacts:
    """What a story is told from.

    raw: the event; trail: what the ledger knows, where the artifacts tell nothing; record: its row of the run's
    table; states: of its detections; last_stage: that has finished; is_whole: whether all artifacts were looked
    through.
    """

    connector: Connector
    wording: Wording
    raw: bytes | None
    trail: Trail | None
    record: Record | None
    states: Sequence[KnownState]
    has_codes: bool
    last_stage: str
    is_whole: bool


def tell_story(facts: StoryFacts) -> Iterator[str]:
    """Yield the sentences."""
    if facts.trail:
        yield from tell_trail(facts.trail, facts.wording)
    elif facts.record is None:
        yield from _tell_unfinished(facts)
    else:
        yield from _tell_record(facts, facts.record)
    if facts.raw is not None:
        yield from _tell_judgement(facts, facts.raw)


def _tell_record(facts: StoryFacts, record: Record) -> Iterator[str]:
    for stage, words in PASSED.items():
        if stage == record.stage:
            break
        yield f"{stage}: {words}"
    if record.fate != "detection":
        faq = facts.wording.name_faq(facts.connector.name, record.code or "")
        detail = f" {record.detail}" if record.detail else ""
        yield f"{record.stage}: {record.fate} ({record.code}): {record.words}{detail}{f' {faq}.' if faq else ''}"
    for known in facts.states:
        message = f" Message: {known.message}" if known.message else ""
        yield f"submit: {known.state}: {say_state(known.state)} (run {known.run_id}, batch {known.batch}).{message}"
    if record.fate == "detection" and not facts.states:
        yield f"{record.stage}: {PASSED[record.stage]}"


def _tell_unfinished(facts: StoryFacts) -> Iterator[str]:
    if not facts.is_whole:
        yield (
            "The run has more records than can be looked through at once: search its table for the event, or ask "
            "`python -m ci_operators explain ID`."
        )
        return
    for stage, words in PASSED.items():
        yield f"{stage}: {words}"
        if stage == facts.last_stage:
            break
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
