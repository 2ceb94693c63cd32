"""Imports what tasks need: once in a process that forks them, for all it forks.

The scheduler does when its LocalExecutor runs the tasks (see `preload`), a Celery worker when its settings name this
module: AIRFLOW__CELERY__EXTRA_CELERY_CONFIG={"imports": ["ci_operators.task_imports"]}.
"""

# ruff: noqa: F401 - all is imported for those that are forked

from __future__ import annotations

import upath.implementations.local

import ci_operators.dag_file_imports
import ci_operators.hooks.ledger
import ci_operators.hooks.vendor
import ci_operators.ledger.history
import ci_operators.ledger.overview
import ci_operators.operators.metrics
import ci_operators.plugin
import ci_operators.stages.delivery
import ci_operators.stages.refusals
import ci_operators.stages.run
import ci_operators.stages.stored
from ci_operators.sources.registry import OPTIONS, load_source

for _name in OPTIONS:
    load_source(_name)
