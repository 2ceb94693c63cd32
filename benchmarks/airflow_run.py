"""Wall time of a connector's run in a real Airflow, beside a DAG of five tasks that do nothing."""

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
from benchmarks.row import Options, Row, Say, interleave
from demo.airflow_api import AirflowApi
from demo.airflow_server import running_airflow
from demo.ports import find_free_port
from demo.settings import AirflowSettings, Connection
from simulator import Limits, Simulator, serve
from simulator.instants import to_us
from simulator.scenario.draws import Draws
from simulator.scenario.okta_threats import threat_event
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN

CONNECTORS = Path(__file__).with_name("connectors.yaml")
CONNECTOR_DAG = "collective_insights_benchmark"
TRIVIAL_DAG = "trivial_0"
REPETITIONS = 7
QUICK_REPETITIONS = 3
EVENTS_PER_RUN = 20
AIM = 1.2

_TIMEOUT_S = 180.0
_POLL_S = 0.25
_HOUR = timedelta(hours=1)


@dataclass
class Runs:
    """Triggers runs one after the other. Each connector run has a window of its own, an hour of some days ago."""

    api: AirflowApi
    begin: datetime
    hours: Iterator[int] = field(default_factory=count)

    def time_connector(self) -> float:
        """Return the seconds from the trigger of a connector run to its end."""
        since = self.begin + timedelta(hours=next(self.hours))
        run_id, seconds = self._time(CONNECTOR_DAG, {"since": since.isoformat(), "until": (since + _HOUR).isoformat()})
        submitted = self.api.returned(CONNECTOR_DAG, run_id, "submit")
        assert submitted is not None
        assert submitted["records_out"] > EVENTS_PER_RUN / 2, submitted
        return seconds

    def time_trivial(self) -> float:
        """Return the seconds from the trigger of a trivial run to its end."""
        return self._time(TRIVIAL_DAG, {})[1]

    def enable(self) -> None:
        """Unpause both DAGs once Airflow has found them, and wait for the connector's initial import."""
        for dag_id in (CONNECTOR_DAG, TRIVIAL_DAG):
            _wait_until(partial(self.api.unpause, dag_id), f"Airflow has no DAG {dag_id}")
        _wait_until(
            lambda: any(run["state"] == "success" for run in self.api.runs(CONNECTOR_DAG)),
            "the initial import did not succeed",
        )

    def _time(self, dag_id: str, conf: Mapping[str, str]) -> tuple[str, float]:
        triggered = datetime.now(UTC)
        body = {"logical_date": None, "conf": dict(conf)}
        run_id = self.api.request("POST", f"/dags/{dag_id}/dagRuns", json=body).json()["dag_run_id"]
        _wait_until(lambda: self._read(dag_id, run_id)["end_date"] is not None, f"{dag_id} did not end")
        run = self._read(dag_id, run_id)
        assert run["state"] == "success", run
        return run_id, (datetime.fromisoformat(run["end_date"]) - triggered).total_seconds()

    def _read(self, dag_id: str, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}")
        return run


def run(options: Options) -> Iterator[Row]:
    """Yield one row."""
    repetitions = QUICK_REPETITIONS if options.quick else REPETITIONS
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-airflow-") as folder,
        _running(Path(folder), options.say) as runs,
    ):
        options.say("warm-up")
        runs.enable()
        for measure in (runs.time_connector, runs.time_trivial):
            measure()
        ours, theirs = interleave(repetitions, [runs.time_connector, runs.time_trivial], options.say)
    label = f"5 tasks, {EVENTS_PER_RUN} events"
    ratio = median(ours) / median(theirs)
    met = ratio <= AIM
    yield Row("Airflow run", label, _show(ours), _show(theirs), ratio, f"≤ {AIM:g} x empty", met)


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
            connections=(
                Connection("okta_default", simulator.url, OKTA_TOKEN),
                Connection("recorded_future_default", simulator.url, RECORDED_FUTURE_TOKEN),
            ),
            keep_database=False,
        )
        settings.folder.mkdir()
        say("starting Airflow")
        with running_airflow(settings) as address:
            yield Runs(address.api(), begin)


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
