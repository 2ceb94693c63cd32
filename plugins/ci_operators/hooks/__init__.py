"""Airflow hooks for vendors and the ledger, by Connection."""

from __future__ import annotations

from ci_operators.core.about import About
from ci_operators.recorded_future import ABOUT as RECORDED_FUTURE
from ci_operators.sources import SOURCES, load_about


def load_vendors() -> dict[str, About]:
    """Return the name and form of each vendor (the sources and Recorded Future), by connection type."""
    return {**{name: load_about(name) for name in SOURCES}, "recorded_future": RECORDED_FUTURE}
