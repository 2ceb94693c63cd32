"""Recorded Future's own models of what its API takes: the authority on a detection's shape."""

from __future__ import annotations

import json

from psengine.collective_insights.insight import Insight
from pydantic import ValidationError


def is_accepted_by_psengine(record: bytes) -> bool:
    """Return whether psengine's model of one entry takes the record."""
    try:
        Insight.model_validate(json.loads(record))
    except (ValidationError, ValueError, TypeError, AttributeError):  # its validators trip over what is no object
        return False
    return True
