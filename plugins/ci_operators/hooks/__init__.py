"""Airflow Connections as clients: how to talk to a vendor."""

from __future__ import annotations

from ci_operators.core.about import About
from ci_operators.recorded_future import ABOUT as RECORDED_FUTURE
from ci_operators.sources import SOURCES, load_about


def load_vendors() -> dict[str, About]:
    """Return what is told of each vendor by its connection type: the sources, and Recorded Future."""
    return {**{name: load_about(name) for name in SOURCES}, "recorded_future": RECORDED_FUTURE}
