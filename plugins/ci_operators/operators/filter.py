"""Filter: keep what the documented criteria let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci_operators.core.tally import Tally
from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.sources.registry import load_source

if TYPE_CHECKING:
    from ci_operators.stages.run import StageResult


class FilterOperator(StageOperator):
    """Holds every event against the source's criteria; what they exclude is dropped with a reason."""

    stage = "filter"

    def run_stage(self, run: StageRun) -> StageResult:
        """Pass the events on that the criteria let in."""
        from ci_operators.stages.run import transform  # not at DAG parse time

        step = load_source(run.connector.source).criteria(run.connector)
        return transform(self.stage, self.source, step, Tally(), run.directory)

    def words(self) -> Mapping[str, str]:
        """Return what the codes of this stage mean."""
        source = load_source(self.connector.source)
        return {**source.issues, **source.drop_reasons}
