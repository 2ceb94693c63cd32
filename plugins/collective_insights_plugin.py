"""What Airflow has to know of the package: its timetable. The only file the plugin loader runs."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable


class CollectiveInsightsPlugin(AirflowPlugin):
    """Registers the timetable, so that the scheduler can read it from a serialised DAG."""

    name = "collective_insights"
    timetables = [UpdateFrequencyTimetable]  # noqa: RUF012 - declared so by Airflow
