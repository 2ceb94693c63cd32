"""Filter: keep what the documented criteria let in."""

from __future__ import annotations

from collections.abc import Mapping

from ci_operators.operators.stage import StageOperator
from ci_operators.sources.registry import load_source


class FilterOperator(StageOperator):
    """Holds every event against the source's criteria; what they exclude is dropped with a reason."""

    stage = "filter"

    def words(self) -> Mapping[str, str]:
        """Return what the codes of this stage mean."""
        source = load_source(self.connector.source)
        return {**source.issues, **source.drop_reasons}
