"""Shows Airflow the plugin of the package beside this file, unless it is installed, and found by its entry point."""

from __future__ import annotations

from importlib.metadata import distributions

__all__ = []

#: Every distribution is asked: `entry_points()` stops at the first of a name, and the folder's own metadata has none.
_INSTALLED = any(
    entry.group == "airflow.plugins" and entry.name == "collective_insights"
    for distribution in distributions()
    for entry in distribution.entry_points
)

if not _INSTALLED:
    from ci_operators.plugin import CollectiveInsightsPlugin

    __all__ += ["CollectiveInsightsPlugin"]
