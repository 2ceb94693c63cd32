"""Filter: keep the events that meet the documented criteria."""

from __future__ import annotations

from collections.abc import Mapping

from ci_operators.operators.stage import StageOperator
from ci_operators.sources.registry import load_source


class FilterOperator(StageOperator):
    """Checks every event against the source's criteria, and drops those that do not meet them, with a reason."""

    stage = "filter"

    def words(self) -> Mapping[str, str]:
        """Return the meanings of this stage's codes."""
        source = load_source(self.connector.source)
        return {**source.issues, **source.drop_reasons}
