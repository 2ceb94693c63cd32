"""Recorded Future's own models of its API: the authority on the format of a detection."""

from __future__ import annotations

import json

from psengine.collective_insights.insight import Insight
from pydantic import ValidationError


def is_accepted_by_psengine(record: bytes) -> bool:
    """Return whether psengine's model of one entry accepts the record."""
    try:
        Insight.model_validate(json.loads(record))
    except (ValidationError, ValueError, TypeError, AttributeError):  # its validators fail on non-objects
        return False
    return True
