"""Map: make a detection of every event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci_operators.core.tally import Tally
from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.sources.registry import load_source

if TYPE_CHECKING:
    from ci_operators.stages.run import StageResult


class MapOperator(StageOperator):
    """Maps events to detections with their ATT&CK codes; an event that cannot be one is quarantined."""

    stage = "map"

    def run_stage(self, run: StageRun) -> StageResult:
        """Pass one detection on for each event."""
        from ci_operators.stages.run import transform  # not at DAG parse time

        tally = Tally()
        step = load_source(run.connector.source).mapping(run.connector, tally.note)
        return transform(self.stage, self.source, step, tally, run.directory)

    def words(self) -> Mapping[str, str]:
        """Return what the codes of this stage mean."""
        source = load_source(self.connector.source)
        return {**source.issues, **source.notes}
