"""The stages, each from its input to its tally."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Step
from ci_operators.sources.source import Page
from ci_operators.stages.pump import SideArtifacts, pump
from ci_operators.staging.artifact import SUFFIX, StagingPath, read_artifact, write_artifact


@dataclass
class StageResult:
    """What a stage leaves: the artifact (None if it wrote none), its side artifacts, counts."""

    tally: Tally
    artifact: StagingPath | None = None
    side_artifacts: dict[str, StagingPath] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


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

    organization_ids: tuple[str, ...]
    batch_size: int
