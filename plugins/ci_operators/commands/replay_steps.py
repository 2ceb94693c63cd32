"""Replayed records on their way to submit: the same steps as the operators', record by record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ci_operators.core.connector import Connector
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.ledger.quarantined import Entry
from ci_operators.sources.registry import load_source
from ci_operators.stages.chain import make_chain, take_through

_HELD = "held: `settle` says whether Recorded Future has it"


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What became of a quarantined record: a code, the stage that decided it, and the words."""

    id: int
    connector: str
    event_id: str | None
    stage: str
    became: str
    words: str


@dataclass(frozen=True, slots=True)
class Traced:
    """A quarantined record after the steps: a detection to submit, or an outcome. `verdict`: its new issue.

    An event that gives several detections is traced once for each.
    """

    entry: Entry
    stage: str
    record: bytes
    outcome: ReplayOutcome | None = None
    verdict: Quarantined | None = None

    def as_outcome(self, became: str, words: str) -> ReplayOutcome:
        """Return the record's outcome."""
        return ReplayOutcome(self.entry.id, self.entry.connector, self.entry.event_id, self.stage, became, words)


def trace_entries(connector: Connector, entries: Sequence[Entry]) -> list[Traced]:
    """Return the records after their stage and those that follow it, submit left out."""
    chain, rules = make_chain(connector, lambda _: None), load_source(connector.source).drop_reasons
    return [trace for entry in entries for trace in _trace(entry, chain, rules)]


def _trace(entry: Entry, chain: Mapping[str, Step], rules: Mapping[str, str]) -> list[Traced]:
    if entry.stage == "submit" and entry.issue == "outcome_unknown":
        trace = Traced(entry, "submit", entry.record)
        return [replace(trace, outcome=trace.as_outcome("held", _HELD))]
    # A detection that submit refused is validated again.
    passages = take_through(chain, entry.record, entry.stage if entry.stage in chain else "validate")
    return [_judge(Traced(entry, passage.stage, passage.record), passage.verdict, rules) for passage in passages]


def _judge(trace: Traced, verdict: Dropped | Quarantined | None, rules: Mapping[str, str]) -> Traced:
    match verdict:
        case Dropped(reason):
            words = f"a criterion excludes it ({reason}): {rules.get(reason, reason)}"
            return replace(trace, outcome=trace.as_outcome("dropped", words))
        case Quarantined(issue, detail=detail):
            words = f"quarantined again ({issue}): {detail}"
            return replace(trace, outcome=trace.as_outcome("quarantined", words), verdict=verdict)
        case None:
            return trace
