"""The chain between extract and submit: filter, map, validate. Runs, replays, and answers use the same steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ci_operators.attack import attack_table
from ci_operators.core.connector import Connector
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Note, Quarantined, Step
from ci_operators.sources.registry import load_source
from ci_operators.stages.contract import contract_for
from ci_operators.stages.run import StageResult, transform
from ci_operators.staging.artifact import Artifact


@dataclass(frozen=True, slots=True)
class Passage:
    """How far a record came in the chain.

    stage: the stage that kept it, or "submit"; record: the input of that stage; verdict: why it was kept.
    """

    stage: str
    record: bytes
    verdict: Dropped | Quarantined | None = None


def make_step(stage: str, connector: Connector, note: Note) -> Step:
    """Return the step of a stage with the connector's options. The map step calls `note` with what it leaves out."""
    if stage == "validate":
        return contract_for(attack_table())
    source = load_source(connector.source)
    return source.criteria(connector) if stage == "filter" else source.mapping(connector, note)


def run_step(
    stage: str,
    connector: Connector,
    source: Artifact,
    directory: Any,
    around: Callable[[Step], Step] = lambda step: step,
) -> StageResult:
    """Process the artifact of the stage before with a stage's step, which `around` may wrap. Return the outcome."""
    tally = Tally()
    return transform(stage, source, around(make_step(stage, connector, tally.note)), tally, directory)


def make_chain(connector: Connector, note: Note) -> dict[str, Step]:
    """Return the steps by stage, in their order."""
    return {stage: make_step(stage, connector, note) for stage in ("filter", "map", "validate")}


def take_through(chain: Mapping[str, Step], record: bytes, first: str = "filter") -> list[Passage]:
    """Return how far a record comes from the stage `first` on: one passage for each of its detections.

    Nothing is written.
    """
    stages = list(chain)
    return list(_pass(chain, record, stages[stages.index(first) :]))


def _pass(chain: Mapping[str, Step], record: bytes, stages: Sequence[str]) -> Iterator[Passage]:
    if not stages:
        yield Passage("submit", record)
        return
    verdict = chain[stages[0]](record)
    if isinstance(verdict, Dropped | Quarantined):
        yield Passage(stages[0], record, verdict)
        return
    for each in verdict if isinstance(verdict, list) else [verdict]:
        yield from _pass(chain, each, stages[1:])
