"""A StatsD server on loopback: a real UDP socket that receives Airflow's own metrics."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest

from ci_operators.airflow_plugin.versions import HAS_PAGES, HAS_RETRY_POLICIES, Stats


def make_backend() -> Any:
    """Return a metrics sender with these settings, as a task creates it."""
    from airflow.sdk.observability.metrics import stats_utils

    make: Any = stats_utils.get_stats_factory
    return (make() if HAS_RETRY_POLICIES else make(Stats))()


def initialize(make: Callable[[], Any]) -> None:
    """Let Airflow send with the sender from `make`. Airflow 3.1 chooses one itself, once per process."""
    if HAS_RETRY_POLICIES:
        from airflow.sdk.observability import stats

        stats.initialize(factory=make, export_legacy_names=True)
    else:
        old: Any = Stats
        old.initialize(factory=make)


@dataclass
class Listener:
    """The lines that have arrived so far, in order."""

    listener: socket.socket

    def read(self) -> list[str]:
        """Return the lines since the last call. On loopback, they arrive at once."""
        lines: list[str] = []
        self.listener.setblocking(False)
        while True:
            try:
                lines.append(self.listener.recv(65_536).decode())
            except BlockingIOError:
                return lines


@contextmanager
def listen(**settings: str) -> Iterator[Listener]:
    """Yield a listener that receives Airflow's metrics as in a task; settings: of [metrics]."""
    if not HAS_PAGES:
        pytest.skip("Airflow 3.1 chooses only once where it sends metrics")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        names = {"statsd_on": "True", "statsd_host": "127.0.0.1", "statsd_port": str(listener.getsockname()[1])}
        values = {f"AIRFLOW__METRICS__{name.upper()}": value for name, value in {**names, **settings}.items()}
        with patch.dict(os.environ, values):
            backend = make_backend()
            initialize(lambda: backend)
            try:
                yield Listener(listener)
            finally:
                from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger

                initialize(NoStatsLogger)
                backend.statsd.close()
