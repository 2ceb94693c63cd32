"""The artifacts of one run, and what each of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ci_operators.answers.run.manifests import StageCounts
from ci_operators.staging.artifact import SUFFIX, StagingPath

#: Why submit drops a detection; it keeps no list of those, but the ledger knows when each was delivered.
ARRIVED = "already_accepted"


@dataclass(frozen=True, slots=True)
class StagedFile:
    """An artifact whose records all met one fate: "dropped", "quarantined", "detection", or "event" before any.

    stage: where they met it. expected: how many records it should hold, by its stage's manifest. codes: the reasons
    or issues among them; of detections, what submit may have dropped them for.
    """

    fate: str
    stage: str
    path: StagingPath
    expected: int
    codes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the name that no other artifact of the run has."""
        return self.path.name.removesuffix(SUFFIX)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Where a run's artifacts lie, and what its stages say of them.

    A stage that has not finished has no manifest; what an earlier try of it left is not the run's.
    """

    directory: Any  # a StagingPath
    stages: Mapping[str, StageCounts]

    def events(self) -> StagedFile | None:
        """Return the artifact of the events as the source gave them, None if extract has not finished."""
        extract = self.stages.get("extract")
        return None if extract is None else self._file("event", "extract", "extract", extract.records_out)

    def settled(self) -> list[StagedFile]:
        """Return the artifacts that together hold every record whose fate is known, in the order of the stages."""
        found = list(self._sides())
        detections = self.detections()
        return found if detections is None else [*found, detections]

    def detections(self) -> StagedFile | None:
        """Return the artifact of the detections, of the last stage that wrote some; None before there are any."""
        for stage in ("validate", "map"):
            counts = self.stages.get(stage)
            if counts is not None:
                return self._detections_of(stage, counts) if counts.has_artifact and counts.records_out else None
        return None

    def refused(self) -> StagedFile | None:
        """Return the artifact of the detections that submit quarantined, which the detections' one holds too."""
        return next((file for file in self._sides() if file.name == "submit.quarantined"), None)

    def _detections_of(self, stage: str, counts: StageCounts) -> StagedFile:
        submit = self.stages.get("submit")
        reached = stage if submit is None else "submit"
        arrived = frozenset({ARRIVED} & set(submit.dropped)) if submit else frozenset[str]()
        return self._file("detection", reached, stage, counts.records_out, arrived)

    def _sides(self) -> Iterator[StagedFile]:
        for stage, counts in self.stages.items():
            for kind, codes in (("dropped", counts.dropped), ("quarantined", counts.quarantined)):
                if kind in counts.side_artifacts:
                    yield self._file(kind, stage, f"{stage}.{kind}", sum(codes.values()), frozenset(codes))

    def _file(self, fate: str, stage: str, name: str, expected: int, codes: frozenset[str] = frozenset()) -> StagedFile:
        return StagedFile(fate, stage, self.directory / f"{name}{SUFFIX}", expected, codes)
