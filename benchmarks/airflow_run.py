"""What a connector's run costs in a real Airflow, beside a DAG of five tasks that do nothing: time, CPU, memory."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import ROOT
from benchmarks.process_tree import ProcessTree, noting_peak
from benchmarks.row import Options, Row, Say, interleave, show_megabytes
from local_airflow.airflow_server import DATABASE, AirflowAddress, running_airflow
from local_airflow.entries import demo_connections
from local_airflow.ports import find_free_port
from local_airflow.settings import AirflowSettings
from simulator import Limits, Simulator, serve
from simulator.draws import Draws
from simulator.instants import to_us
from simulator.okta.threat_events import threat_event

CONNECTORS = Path(__file__).with_name("connectors.yaml")
CONNECTOR_DAG = "collective_insights_benchmark"
TRIVIAL_DAG = "trivial_0"
REPETITIONS = 7
QUICK_REPETITIONS = 3
EVENTS_PER_RUN = 20
#: Beside the empty DAG: seconds, CPU, and memory of a task.
AIM = 1.2

_TIMEOUT_S = 180.0
_POLL_S = 0.1
_LOOK_S = 0.03
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took: seconds from trigger to end, and CPU seconds of the whole Airflow in that time."""

    seconds: float
    cpu_s: float


@dataclass
class Runs:
    """Triggers runs one after the other. Each run of the connector reads a different hour of some days ago."""

    address: AirflowAddress
    begin: datetime
    hours: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.api = self.address.api()
        self.tree = ProcessTree(tuple(child.pid for child in self.address.processes))

    def run_connector(self) -> Cost:
        """Return what a run of the connector costs."""
        since = self.begin + timedelta(hours=next(self.hours))
        run_id, cost = self._measure(CONNECTOR_DAG, {"since": since.isoformat(), "until": (since + _HOUR).isoformat()})
        submitted = self.api.returned(CONNECTOR_DAG, run_id, "submit")
        assert submitted is not None
        assert submitted["records_out"] > EVENTS_PER_RUN / 2, submitted
        return cost

    def run_trivial(self) -> Cost:
        """Return what a run of the trivial DAG costs."""
        return self._measure(TRIVIAL_DAG, {})[1]

    def find_task_memory(self, run: Callable[[], Cost]) -> int:
        """Return the largest memory that a task's process does not share, during a run."""
        with noting_peak(self.tree.task_memory_bytes, _LOOK_S) as peak:
            while not peak[0]:  # a run's tasks can end before this looks at one
                run()
        return peak[0]

    def enable(self) -> None:
        """Unpause both DAGs once Airflow has found them, and wait for the runs that are due."""
        for dag_id in (CONNECTOR_DAG, TRIVIAL_DAG):
            _wait_until(partial(self.api.unpause, dag_id), f"Airflow has no DAG {dag_id}")
            _wait_until(partial(self._has_run, dag_id), f"the first run of {dag_id} did not succeed")

    def _has_run(self, dag_id: str) -> bool:
        return any(run["state"] == "success" for run in self.api.runs(dag_id))

    def _measure(self, dag_id: str, conf: Mapping[str, str]) -> tuple[str, Cost]:
        before, triggered = self.tree.cpu_s(), datetime.now(UTC)
        body = {"logical_date": None, "conf": dict(conf)}
        run_id = self.api.request("POST", f"/dags/{dag_id}/dagRuns", json=body).json()["dag_run_id"]
        # This reads the database: a request to the API server would cost as much CPU as a part of a task.
        _wait_until(lambda: self._ask("end_date", dag_id, run_id) is not None, f"{dag_id} did not end")
        cpu_s = self.tree.cpu_s() - before
        assert self._ask("state", dag_id, run_id) == "success", run_id
        return run_id, Cost((self._ask("end_date", dag_id, run_id) - triggered).total_seconds(), cpu_s)

    def _ask(self, column: str, dag_id: str, run_id: str) -> Any:
        sql = f"SELECT {column} FROM dag_run WHERE dag_id = %s AND run_id = %s"  # noqa: S608 - a name of ours
        return self.address.postgres.query(sql, (dag_id, run_id), DATABASE)


def run(options: Options) -> Iterator[Row]:
    """Yield three rows: wall time, CPU seconds, memory of a task."""
    repetitions = QUICK_REPETITIONS if options.quick else REPETITIONS
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-airflow-") as folder,
        _running(Path(folder), options.say) as runs,
    ):
        options.say("warm-up")
        runs.enable()
        sides = [runs.run_connector, runs.run_trivial]
        memory = [runs.find_task_memory(run) for run in sides]
        costs = interleave(repetitions, sides, options.say)
    label = f"5 tasks, {EVENTS_PER_RUN} events"
    yield _compare("Airflow run", label, *([cost.seconds for cost in side] for side in costs))
    yield _compare("Airflow run, CPU", label, *([cost.cpu_s for cost in side] for side in costs))
    ours, theirs = memory
    yield _judge("task memory", "not shared", show_megabytes(ours), show_megabytes(theirs), ours / theirs)


def _compare(name: str, label: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    return _judge(name, label, _show(ours), _show(theirs), median(ours) / median(theirs))


def _judge(name: str, label: str, project: str, beside: str, ratio: float) -> Row:
    return Row(name, label, project, beside, ratio, f"≤ {AIM:g} x empty", ratio <= AIM, AIM)


def _show(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"


@contextmanager
def _running(folder: Path, say: Say) -> Iterator[Runs]:
    """Start the simulator and an Airflow with one connector and one trivial DAG."""
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=5)
    dags = folder / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "benchmarks" / "dags" / "trivial.py", dags)
    vendors = Simulator(okta_events=_make_events(begin), scenario=False, limits=Limits.off())
    with serve(vendors) as simulator:
        settings = AirflowSettings(
            folder=folder / "airflow",
            port=find_free_port(),
            connectors=CONNECTORS,
            dags=dags,
            connections=demo_connections(simulator.url),
            idle_sleep_s=1.0,  # Airflow's own; the demo has less
            keep_database=False,
        )
        settings.folder.mkdir()
        say("starting Airflow")
        with running_airflow(settings) as address:
            yield Runs(address, begin)


def _make_events(begin: datetime) -> list[dict[str, Any]]:
    """Return the events of all runs, and of the initial import, which is the last day before now."""
    draws, first = Draws("benchmark"), to_us(begin)
    step = _HOUR / EVENTS_PER_RUN // timedelta(microseconds=1)
    return [threat_event(draws, first + number * step, None) for number in range(5 * 24 * EVENTS_PER_RUN)]


def _wait_until(is_done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {_TIMEOUT_S:.0f} s")
        time.sleep(_POLL_S)
