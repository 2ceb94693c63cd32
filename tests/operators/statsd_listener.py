"""A StatsD on loopback: a real UDP socket that Airflow's own metrics are sent to."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils


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
            backend = stats_utils.get_stats_factory()()
            stats.initialize(factory=lambda: backend, export_legacy_names=True)
            try:
                yield Listener(listener)
            finally:
                stats.initialize(factory=NoStatsLogger, export_legacy_names=True)
                backend.statsd.close()
