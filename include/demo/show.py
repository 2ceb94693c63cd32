"""The demo itself: enable the connectors, wait for their imports, tell what came of them, serve."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.errors import DemoError
from demo.processes import ChildProcess, check_alive
from demo.report import print_run
from demo.runs import RunReader
from demo.settings import CONNECTORS
from demo.simulator_server import SimulatorAddress
from demo.steps import Progress
from demo.tally import Run

ENABLE_S: Final = 90.0
IMPORT_S: Final = 1800.0
_POLL_S: Final = 0.5
_SERVE_POLL_S: Final = 5.0


@dataclass(frozen=True)
class Outcome:
    """All runs so far, and the detections the API stores by source type."""

    runs: tuple[Run, ...]
    stored: Mapping[str, int]


@dataclass(frozen=True)
class Show:
    """A running Airflow and simulator, with what is needed to watch them."""

    api: AirflowApi
    reader: RunReader
    simulator: SimulatorAddress
    processes: Sequence[ChildProcess]

    def enable(self, progress: Progress) -> None:
        """Unpause the connectors' DAGs; DemoError if one does not appear."""
        waiting = [connector.dag_id for connector in CONNECTORS]
        deadline = time.monotonic() + ENABLE_S
        with progress.step("Connectors enabled"):
            while waiting := [dag_id for dag_id in waiting if not self.api.unpause(dag_id)]:
                check_alive(self.processes)
                if time.monotonic() > deadline:
                    reasons = "; ".join(self.api.import_errors()) or "the DAG processor found no such DAG"
                    raise DemoError(f"Airflow has no DAG {', '.join(waiting)}: {reasons}")
                time.sleep(_POLL_S)

    def wait_for_imports(self, progress: Progress) -> Outcome:
        """Returns the outcome once every connector has run and nothing is in progress."""
        deadline = time.monotonic() + IMPORT_S
        with progress.step("Initial imports") as say:
            while True:
                check_alive(self.processes)
                runs = self.reader.read_all()
                if _is_settled(runs):
                    stored = self.simulator.count_detections()
                    if self.reader.read_all() == runs:
                        return Outcome(runs, stored)
                if time.monotonic() > deadline:
                    raise DemoError(f"The imports did not end within {IMPORT_S:.0f} s: {_describe(runs)}.")
                say(_describe(runs))
                time.sleep(_POLL_S)

    def serve(self, console: Console, known: Sequence[Run]) -> None:
        """Print a line about each run that finishes, until interrupted or a process ends."""
        shown = {run.key for run in known}
        while True:
            time.sleep(_SERVE_POLL_S)
            check_alive(self.processes)
            for run in self.reader.read_all():
                if run.is_finished and run.key not in shown:
                    shown.add(run.key)
                    print_run(console, run, datetime.now().astimezone())


def _is_settled(runs: Sequence[Run]) -> bool:
    imported = {run.connector for run in runs if run.run_type == "scheduled" and run.is_finished}
    return imported == set(CONNECTORS) and all(run.is_finished for run in runs)


def _describe(runs: Sequence[Run]) -> str:
    """Returns where each connector stands, such as `okta: map running, sentinelone: waiting`."""
    words = []
    for connector in CONNECTORS:
        last = next((run for run in reversed(runs) if run.connector == connector), None)
        word = "waiting" if last is None else last.state
        for stage in last.stages if last is not None and not last.is_finished else ():
            if stage.state not in {"success", "skipped", "waiting"}:
                word = f"{stage.name} {stage.state}"
        words.append(f"{connector.name}: {word}")
    return ", ".join(words)
