"""Collective Insights connectors for Apache Airflow.

Imports go in one direction: what Airflow loads (dags, airflow_plugin) -> shell (operators, hooks, timetables,
dag_factory) -> {sources, recorded_future} -> {stages, staging, transport} -> core. `core` uses no Airflow, HTTP, clock,
or files.
"""

#: The only place with the version: pyproject.toml reads it, and code in a plugins folder has it too.
__version__ = "0.1.0"
