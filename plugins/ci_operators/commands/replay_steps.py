"""Replayed records on their way to submit: the same steps as the operators', record by record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ci_operators.attack import attack_table
from ci_operators.core.connector import Connector
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.ledger.quarantined import Entry
from ci_operators.sources.registry import load_source
from ci_operators.stages.contract import contract_for

_HELD = "held: `settle` says whether Recorded Future has it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a quarantined record: a code, the stage that decided it, and the words."""

    id: int
    connector: str
    event_id: str | None
    stage: str
    became: str
    words: str


@dataclass(frozen=True, slots=True)
class Traced:
    """A quarantined record after the steps: a detection to submit, or an outcome. `verdict`: its new issue."""

    entry: Entry
    stage: str
    record: bytes
    outcome: Outcome | None = None
    verdict: Quarantined | None = None

    def as_outcome(self, became: str, words: str) -> Outcome:
        """Return the record's outcome."""
        return Outcome(self.entry.id, self.entry.connector, self.entry.event_id, self.stage, became, words)


def take_through(connector: Connector, entries: Sequence[Entry]) -> list[Traced]:
    """Return the records after their stage and those that follow it, submit left out."""
    source = load_source(connector.source)
    steps: dict[str, Step] = {
        "filter": source.criteria(connector),
        "map": source.mapping(connector, lambda _: None),
        "validate": contract_for(attack_table()),
    }
    rules = dict(source.drop_reasons)
    return [_take(entry, list(_remaining(entry.stage, steps)), rules) for entry in entries]


def _remaining(stage: str, steps: dict[str, Step]) -> Iterator[tuple[str, Step]]:
    """Yield the steps from a stage on; a detection that submit refused is validated again."""
    names = list(steps)
    begin = names.index(stage) if stage in names else names.index("validate")
    yield from ((name, steps[name]) for name in names[begin:])


def _take(entry: Entry, steps: Sequence[tuple[str, Step]], rules: dict[str, str]) -> Traced:
    if entry.stage == "submit" and entry.issue == "outcome_unknown":
        trace = Traced(entry, "submit", entry.record)
        return Traced(entry, "submit", entry.record, trace.as_outcome("held", _HELD))
    record = entry.record
    for stage, step in steps:
        verdict = step(record)
        trace = Traced(entry, stage, record)
        if isinstance(verdict, Dropped):
            words = f"a criterion excludes it ({verdict.reason}): {rules.get(verdict.reason, verdict.reason)}"
            return Traced(entry, stage, record, trace.as_outcome("dropped", words))
        if isinstance(verdict, Quarantined):
            words = f"quarantined again ({verdict.issue}): {verdict.detail}"
            return Traced(entry, stage, record, trace.as_outcome("quarantined", words), verdict)
        record = verdict
    return Traced(entry, "submit", record)
