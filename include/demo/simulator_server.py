"""The simulator of the three vendors as a process beside Airflow."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from demo.environment import base_environment
from demo.processes import ChildProcess, Command, running, wait_until
from demo.settings import LOOPBACK, ROOT

READY_S: Final = 60.0
_PAGE: Final = 1000


@dataclass(frozen=True)
class SimulatorAddress:
    """A running simulator."""

    url: str
    process: ChildProcess

    def is_healthy(self) -> bool:
        """Returns whether it answers."""
        try:
            return self._get("health", timeout_s=5).ok
        except requests.RequestException:
            return False

    def count_detections(self) -> dict[str, int]:
        """Returns the number of stored detections by `ioc.source_type`."""
        found: Counter[str] = Counter()
        while True:
            page = self._list_detections(found.total())
            found.update(str(stored["entry"]["ioc"].get("source_type")) for stored in page["detections"])
            if not page["detections"] or found.total() >= page["count"]:
                return dict(found)

    def _list_detections(self, offset: int) -> dict[str, Any]:
        answer = self._get("detections", offset=offset, limit=_PAGE)
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        return page

    def _get(self, path: str, timeout_s: float = 30, **parameters: int) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False  # no proxy between this process and loopback
            return session.get(f"{self.url}/simulator/{path}", params=parameters, timeout=timeout_s)


@contextmanager
def running_simulator(folder: Path, port: int, hold: Sequence[int] = ()) -> Iterator[SimulatorAddress]:
    """Start the simulator with its state in `folder`/simulator, yield it when it answers, and end it."""
    command = Command(
        name="simulator",
        argv=(sys.executable, "-m", "simulator", "--port", str(port), "--state", str(folder / "simulator")),
        environment={**base_environment(), "PYTHONPATH": str(ROOT / "include")},
        log=folder / "logs" / "simulator.log",
        cwd=folder,
    )
    with running(command, hold) as process:
        address = SimulatorAddress(f"http://{LOOPBACK}:{port}", process)
        wait_until(address.is_healthy, [process], READY_S)
        yield address
