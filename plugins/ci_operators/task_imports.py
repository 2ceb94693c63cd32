"""Imports everything that tasks need, once in the process that forks them.

The scheduler imports this if its LocalExecutor runs the tasks (see `airflow_plugin.preload`), a Celery worker if its
settings name it: AIRFLOW__CELERY__EXTRA_CELERY_CONFIG={"imports": ["ci_operators.task_imports"]}. It stays at the root
of the package because of these settings: a worker does not start if they name a module that does not exist.
"""

# ruff: noqa: F401 - the imports are for the forked processes

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import upath.implementations.local

import ci_operators.airflow_plugin.plugin
import ci_operators.dag_factory
import ci_operators.hooks.ledger
import ci_operators.hooks.vendor
import ci_operators.ledger.history
import ci_operators.ledger.overview
import ci_operators.operators.metrics
import ci_operators.stages.chain
import ci_operators.stages.delivery
import ci_operators.stages.extraction
import ci_operators.stages.records
import ci_operators.stages.refusals
import ci_operators.stages.run
import ci_operators.stages.stored
from ci_operators.attack import attack_table
from ci_operators.connectors_file import parse_early
from ci_operators.sources.public_suffix import has_public_suffix
from ci_operators.sources.registry import OPTIONS, load_source

#: What Airflow itself imports in each task that reads a file; it need not be there.
_IN_EACH_TASK = (
    "airflow.providers.common.io.assets.file",
    "airflow.sdk.execution_time.cache",
    "airflow.sdk.execution_time.timeout",
    "airflow.sdk.lineage",
    "jinja2.ext",
)

for _name in filter(find_spec, _IN_EACH_TASK):
    import_module(_name)
parse_early()
attack_table()
has_public_suffix("example.com")  # reads the list of suffixes, which takes 60 ms
for _name in OPTIONS:
    load_source(_name)
