"""A StatsD on loopback: a real UDP socket that Airflow's own metrics are sent to."""

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

#: Airflow 3.1 makes its backend with its class, once for a process.
needs_backend = pytest.mark.skipif(not HAS_PAGES, reason="Airflow 3.1 chooses where it sends metrics only once")


def make_backend() -> Any:
    """Return what sends metrics as the settings say, as a task makes it."""
    from airflow.sdk.observability.metrics import stats_utils

    make: Any = stats_utils.get_stats_factory
    return (make() if HAS_RETRY_POLICIES else make(Stats))()


def initialize(make: Callable[[], Any]) -> None:
    """Let Airflow send by what `make` returns."""
    if HAS_RETRY_POLICIES:
        from airflow.sdk.observability import stats

        stats.initialize(factory=make, export_legacy_names=True)
    else:
        old: Any = Stats
        old.initialize(factory=make)


@dataclass
class Listener:
    """What has arrived so far, a line each, in its order."""

    listener: socket.socket

    def read(self) -> list[str]:
        """Return what has arrived since the last call: on loopback it is there when it is sent."""
        lines: list[str] = []
        self.listener.setblocking(False)
        while True:
            try:
                lines.append(self.listener.recv(65_536).decode())
            except BlockingIOError:
                return lines


@contextmanager
def listen(**settings: str) -> Iterator[Listener]:
    """Give a listener, and have Airflow send its metrics there as it does in a task; settings: of [metrics]."""
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
