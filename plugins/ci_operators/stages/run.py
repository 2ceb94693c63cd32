"""The stages, each from its input to its tally."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Step
from ci_operators.recorded_future.api import submit
from ci_operators.sources.source import Page
from ci_operators.stages.batches import cut_batches, make_submission
from ci_operators.stages.pump import SideArtifacts, pump
from ci_operators.staging.artifact import SUFFIX, StagingPath, read_artifact, write_artifact
from ci_operators.transport.client import Client


@dataclass
class StageResult:
    """What a stage leaves: the artifact (None if it wrote none), its side artifacts, counts."""

    tally: Tally
    artifact: StagingPath | None = None
    side_artifacts: dict[str, StagingPath] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


class Delivery(Protocol):
    """Remembers which batches of a window were accepted, over retries of the task."""

    def is_accepted(self, number: int) -> bool:
        """Return whether batch `number` was accepted before."""

    def accept(self, number: int) -> None:
        """Remember that batch `number` was accepted."""


def extract(pages: Iterable[Page], directory: Any) -> StageResult:
    """Write the events of all pages to the extract artifact."""
    tally, page_count = Tally(), 0
    path = directory / f"extract{SUFFIX}"
    with write_artifact(path) as out:
        for page in pages:
            page_count += 1
            out.write_all(page.events)
    tally.records_in = tally.records_out = out.records
    tally.check_conservation("extract")
    return StageResult(tally, path, extra={"pages": page_count})


def transform(stage: str, source: StagingPath, step: Step, tally: Tally, directory: Any) -> StageResult:
    """Take every record of the artifact `source` through `step`; filter, map and validate are this."""
    path = directory / f"{stage}{SUFFIX}"
    with SideArtifacts(directory, stage) as side, write_artifact(path) as out:
        pump(read_artifact(source), step, out, side, tally)
        tally.check_conservation(stage)
    return StageResult(tally, path, dict(side.paths))


@dataclass(frozen=True, slots=True)
class Terms:
    """How detections are submitted."""

    debug: bool
    organization_ids: tuple[str, ...]
    batch_size: int


def deliver(client: Client, source: StagingPath, terms: Terms, delivery: Delivery) -> StageResult:
    """Submit the detections of the artifact `source` in batches, each once over all tries of the task.

    Raises what `recorded_future.api.submit` raises; batches accepted before stay accepted.
    """
    tally, processed, batches, before = Tally(), Counter[str](), 0, 0
    for number, batch in enumerate(cut_batches(read_artifact(source), terms.batch_size)):
        tally.records_in += len(batch)
        if delivery.is_accepted(number):
            before += len(batch)
        else:
            submission = make_submission(batch, debug=terms.debug, organization_ids=terms.organization_ids)
            processed += submit(client, submission)
            delivery.accept(number)
            batches += 1
        tally.records_out += len(batch)
    tally.check_conservation("submit")
    return StageResult(
        tally, extra={"batches": batches, "processed": dict(processed), "accepted_by_earlier_tries": before}
    )
