"""What a process imports before it forks: those that it forks share it, instead of importing it each anew.

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


def preload(command_line: Sequence[str]) -> str | None:
    """Import what the process of an `airflow …` command line should, and return the module; None: nothing was.

    The connectors file is parsed too. A module that fails is a warning, since each task that needs it reports it. An
    error here would take the timetable away as well.
    """
    module = _choose(command_line[1] if len(command_line) > 1 else "")
    if module is None:
        return None
    try:
        import_module(module)
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
