"""Shows Airflow the plugin of the package beside this file, unless it is installed, and found by its entry point."""

from __future__ import annotations

from importlib.metadata import distributions

__all__ = []

#: All of our name are asked: `entry_points()` stops at the first, and the folder's own metadata has no plugin.
#: (Those of other names are not: every task's process runs this file, and there may be hundreds.)
_INSTALLED = any(
    entry.group == "airflow.plugins" and entry.name == "collective_insights"
    for distribution in distributions(name="collective-insights-airflow")
    for entry in distribution.entry_points
)

if not _INSTALLED:
    from ci_operators.airflow_plugin.plugin import CollectiveInsightsPlugin

    __all__ += ["CollectiveInsightsPlugin"]
