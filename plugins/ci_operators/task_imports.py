"""Imports what tasks need: once in a process that forks them, for all it forks.

The scheduler imports this when its LocalExecutor runs the tasks (see `airflow_plugin.preload`), a Celery worker if its
settings name it: AIRFLOW__CELERY__EXTRA_CELERY_CONFIG={"imports": ["ci_operators.task_imports"]}. It stays at the root
of the package for those settings: a worker does not start if they name a module that does not exist.
"""

# ruff: noqa: F401 - all is imported for those that are forked

from __future__ import annotations

import upath.implementations.local

import ci_operators.airflow_plugin.plugin
import ci_operators.dag_factory
import ci_operators.hooks.ledger
import ci_operators.hooks.vendor
import ci_operators.ledger.history
import ci_operators.ledger.overview
import ci_operators.operators.metrics
import ci_operators.stages.delivery
import ci_operators.stages.refusals
import ci_operators.stages.run
import ci_operators.stages.stored
from ci_operators.connectors_file import parse_early
from ci_operators.sources.registry import OPTIONS, load_source

parse_early()
for _name in OPTIONS:
    load_source(_name)
