"""Collective Insights connectors for Apache Airflow.

Imports point one way: what Airflow loads (dags, airflow_plugin) -> shell (operators, hooks, timetables, dag_factory)
-> {sources, recorded_future} -> {stages, staging, transport} -> core. `core` knows neither Airflow nor HTTP, clock or
files.
"""

#: The only place with the version: pyproject.toml reads it here, so that code in a plugins folder knows its own too.
__version__ = "0.1.0"
