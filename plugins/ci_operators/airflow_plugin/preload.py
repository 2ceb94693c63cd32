"""Import modules before a process forks, so that its child processes share them and do not import them again.

Airflow's scheduler forks its LocalExecutor's tasks, the DAG processor a process for each parse of a file. (A Celery
worker forks tasks too, but loads no plugin that could ask for this: see `task_imports`.)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module

from ci_operators.airflow_plugin.versions import conf

log = logging.getLogger(__name__)

_FOR_TASKS = "ci_operators.task_imports"
_FOR_DAG_FILES = "ci_operators.dag_factory"
#: What Airflow imports in each parse of a file that has DAGs, when it serializes them.
_IN_EACH_PARSE = (
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.providers.standard.sensors.external_task",
)


def preload(command_line: Sequence[str]) -> str | None:
    """Import what the process of an `airflow …` command line needs, and return the module, None if it needs nothing.

    The connectors file is parsed too. A module that fails is a warning, since each task that needs it reports it. An
    error here would take the timetable away as well.
    """
    module = _choose(command_line[1] if len(command_line) > 1 else "")
    if module is None:
        return None
    try:
        for name in [module, *_IN_EACH_PARSE] if module == _FOR_DAG_FILES else [module]:
            import_module(name)
        import_module("ci_operators.connectors_file").parse_early()
    except Exception:
        log.warning("%s cannot be imported beforehand: each task imports it for itself.", module, exc_info=True)
        return None
    return module


def _choose(command: str) -> str | None:
    if command == "dag-processor":
        return _FOR_DAG_FILES
    if command == "scheduler" and "LocalExecutor" in conf.get("core", "executor", fallback=""):
        return _FOR_TASKS
    return None
