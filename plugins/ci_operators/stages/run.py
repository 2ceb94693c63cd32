"""Run a stage, from its input to its tally."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Step
from ci_operators.stages.pump import SideArtifacts, pump
from ci_operators.staging.artifact import SUFFIX, Artifact, read_artifact, write_artifact


@dataclass
class StageResult:
    """The outcome of a stage: its artifact (None if it wrote none), its side artifacts, and its counts."""

    tally: Tally
    artifact: Artifact | None = None
    side_artifacts: dict[str, Artifact] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def transform(stage: str, source: Artifact, step: Step, tally: Tally, directory: Any) -> StageResult:
    """Apply `step` to every record of the artifact `source`, as filter, map, and validate do. Return the outcome."""
    with SideArtifacts(directory, stage) as side, write_artifact(directory / f"{stage}{SUFFIX}") as out:
        pump(read_artifact(source), step, out, side, tally)
        tally.check_conservation(stage)
    extra = {"added": tally.added} if tally.added else {}
    return StageResult(tally, out.artifact, side.artifacts, extra)


@dataclass(frozen=True, slots=True)
class Terms:
    """How detections are submitted."""

    organization_ids: tuple[str, ...]
    batch_size: int
