"""Imports what the DAG files need, and parses the connectors file: once in a process that forks, for all it forks."""

from __future__ import annotations

import ci_operators.dag_factory  # noqa: F401 - imported for those that are forked
from ci_operators.connectors_file import parse_early

parse_early()
