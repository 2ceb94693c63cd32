"""The trail of an event in words: a sentence for each thing that became of it, and its steps from run to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ci_operators.answers.wording import STATES, Wording
from ci_operators.core.connector import DAG_PREFIX
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


def tell_trail(trail: Trail, wording: Wording) -> Iterator[str]:
    """Yield a sentence for each thing that became of the event."""
    for drop in trail.dropped:
        rule = wording.say(drop.connector, drop.reason)
        yield f"{drop.connector}: dropped by {drop.stage} ({drop.reason}) in run {drop.run_id}: {rule}"
    for entry in trail.quarantined:
        words = _say_issue(entry, wording)
        after = f" Replayed: {entry.replay_note}." if _was_replayed(entry) else ""
        yield (
            f"{entry.connector}: quarantined by {entry.stage} as {entry.issue} in run {entry.run_id} "
            f"(quarantine {entry.id}): {words}{after}"
        )
    for found in trail.detections:
        yield _tell_detection(found)


def make_steps(trail: Trail, wording: Wording) -> list[Step]:
    """Return the event's way in the order it went: run by run, in each of them stage by stage."""
    entries: list[Entry] = [*trail.dropped, *trail.quarantined, *trail.detections]
    entries.sort(key=_order_of)
    steps: dict[tuple[str, str, str, str], Step] = {}
    for entry in entries:
        for step in _steps_of(entry, wording):
            steps.setdefault((step.connector, step.run_id, step.stage, step.fate), step)
    return list(steps.values())


def _order_of(entry: Entry) -> tuple[datetime, bool]:
    """Return what puts the runs in their order, and in each of them the detection behind its quarantine."""
    if isinstance(entry, DeliveredDetection):
        return entry.first_seen, True
    return entry.seen_at, False


def _steps_of(entry: Entry, wording: Wording) -> Iterator[Step]:
    stage = "submit" if isinstance(entry, DeliveredDetection) else entry.stage
    for before, words in PASSED.items():
        if before == stage:
            break
        yield _step(entry, before, "passed", None, words, "", None)
    yield from _last_steps(entry, wording)


def _last_steps(entry: Entry, wording: Wording) -> Iterator[Step]:
    if isinstance(entry, DroppedEvent):
        words, faq = wording.say(entry.connector, entry.reason), wording.name_faq(entry.connector, entry.reason)
        yield _step(entry, entry.stage, "dropped", entry.reason, words, faq, entry.seen_at)
    elif isinstance(entry, QuarantinedEvent):
        faq = wording.name_faq(entry.connector, entry.issue)
        yield _step(entry, entry.stage, "quarantined", entry.issue, _say_issue(entry, wording), faq, entry.seen_at)
        if _was_replayed(entry):
            yield _step(entry, entry.stage, "replayed", None, entry.replay_note or "", "", entry.replayed_at)
    else:
        state = STATES[entry.state]
        words = f"{state[:1].upper()}{state[1:]}.{_say_message(entry)}"
        at = entry.settled_at or entry.reserved_at or entry.first_seen
        yield _step(entry, "submit", entry.state, None, words, "", at)


def _step(entry: Entry, stage: str, fate: str, code: str | None, words: str, faq: str, at: datetime | None) -> Step:
    return Step(entry.connector, entry.run_id, f"{DAG_PREFIX}{entry.connector}", stage, fate, code, words, faq, at)


def _say_issue(entry: QuarantinedEvent, wording: Wording) -> str:
    issue = wording.say(entry.connector, entry.issue)
    return issue + (f" {entry.detail}" if entry.detail and entry.detail != issue else "")


def _was_replayed(entry: QuarantinedEvent) -> bool:
    return entry.replayed_at is not None and entry.replayed_at >= entry.seen_at


def _tell_detection(found: DeliveredDetection) -> str:
    return (
        f"{found.connector}: detection {found.indicator_type} {found.indicator} is {found.state}: "
        f"{STATES[found.state]} (run {found.run_id}, batch {found.batch}).{_say_message(found)}"
    )


def _say_message(found: DeliveredDetection) -> str:
    return f" Message: {found.message}" if found.message else ""


def join_trails(trails: Iterable[Trail]) -> Trail:
    """Return what several ledgers know of an event as one trail."""
    trails = list(trails)
    return Trail(
        dropped=[entry for trail in trails for entry in trail.dropped],
        quarantined=[entry for trail in trails for entry in trail.quarantined],
        detections=[entry for trail in trails for entry in trail.detections],
        runs=[entry for trail in trails for entry in trail.runs],
    )
