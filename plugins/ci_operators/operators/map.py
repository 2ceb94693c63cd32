"""Map: make a detection of every event."""

from __future__ import annotations

from collections.abc import Mapping

from ci_operators.operators.stage import StageOperator
from ci_operators.sources.registry import load_source


class MapOperator(StageOperator):
    """Maps events to detections with their ATT&CK codes; an event that cannot be one is quarantined."""

    stage = "map"

    def words(self) -> Mapping[str, str]:
        """Return what the codes of this stage mean."""
        source = load_source(self.connector.source)
        return {**source.issues, **source.notes}
