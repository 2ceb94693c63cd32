"""The simulator of the vendors as a process beside Airflow."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests

from local_airflow.airflow_api import loopback_session
from local_airflow.environment import base_environment
from local_airflow.processes import ChildProcess, Command, running, wait_until
from local_airflow.settings import LOOPBACK, ROOT

READY_S: Final = 60.0


@contextmanager
def running_simulator(folder: Path, port: int) -> Iterator[tuple[str, ChildProcess]]:
    """Start the simulator with its state in `folder`/simulator, yield its URL and its process once it answers."""
    command = Command(
        name="simulator",
        argv=(sys.executable, "-m", "simulator", "--port", str(port), "--state", str(folder / "simulator")),
        environment={**base_environment(), "PYTHONPATH": str(ROOT / "include")},
        log=folder / "logs" / "simulator.log",
        cwd=folder,
    )
    url = f"http://{LOOPBACK}:{port}"
    with running(command) as process:
        wait_until(lambda: _is_healthy(url), [process], READY_S)
        yield url, process


def count_detections(url: str) -> Counter[str]:
    """Return the number of detections that the simulated API stores, by `ioc.source_type`."""
    answer = loopback_session().get(f"{url}/simulator/detections?limit=10000000", timeout=60)
    answer.raise_for_status()
    return Counter(str(detection["entry"]["ioc"].get("source_type")) for detection in answer.json()["detections"])


def _is_healthy(url: str) -> bool:
    try:
        return loopback_session().get(f"{url}/simulator/health", timeout=5).ok
    except requests.RequestException:
        return False
