"""The simulator of the vendors as a process beside Airflow."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests

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
    stored = _get(f"{url}/simulator/detections?limit=10000000")["detections"]
    return Counter(str(detection["entry"]["ioc"].get("source_type")) for detection in stored)


def _is_healthy(url: str) -> bool:
    try:
        return bool(_get(f"{url}/simulator/health"))
    except requests.RequestException:
        return False


def _get(url: str) -> Any:
    with requests.Session() as session:
        session.trust_env = False  # no proxy between this process and loopback
        answer = session.get(url, timeout=60)
        answer.raise_for_status()
        return answer.json()
