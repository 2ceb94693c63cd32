"""Wall time of a connector's run in a real Airflow, beside a DAG of five tasks that do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.row import Options, Row


def run(options: Options) -> Iterator[Row]:
    """Yield one row."""
    raise NotImplementedError
