"""Map: make detections from events."""

from __future__ import annotations

from collections.abc import Mapping

from ci_operators.operators.stage import StageOperator
from ci_operators.sources.registry import load_source


class MapOperator(StageOperator):
    """Maps events to detections with their ATT&CK codes, and quarantines events that cannot be mapped."""

    stage = "map"

    def words(self) -> Mapping[str, str]:
        """Return the meanings of this stage's codes."""
        source = load_source(self.connector.source)
        return {**source.issues, **source.notes}
