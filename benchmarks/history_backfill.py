"""A backfill in a real Airflow beside live runs each minute: seconds and CPU of a run, and how long live runs wait."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.process_tree import ProcessTree
from benchmarks.row import Options, Row
from local_airflow.airflow_api import AirflowApi
from local_airflow.airflow_server import AirflowAddress, running_airflow
from local_airflow.entries import demo_connections
from local_airflow.ports import find_free_port
from local_airflow.settings import AirflowSettings
from simulator import Limits, Simulator, serve
from simulator.draws import Draws
from simulator.instants import to_us
from simulator.okta.threat_events import threat_event

#: The System Log keeps 90 days; a day is a run.
DAYS, QUICK_DAYS = 88, 20
PER_DAY = 100
DAG = "collective_insights_history"
CONNECTORS = """
connectors:
  - {name: history, source: okta, debug: false, update_frequency: 1 minute, publication_delay: 1 second,
     initial_import: 2 minutes}
"""
#: Live runs that are measured before the backfill begins.
BEFORE = 3
#: The interval of live events, from before the first window until long after the last.
APART = timedelta(seconds=5)
AHEAD = timedelta(hours=3)

_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Found:
    """The figures: seconds and CPU seconds of the backfill, and the waits of live runs before it and during it."""

    runs: int
    seconds: float
    cpu_s: float
    before_s: Sequence[float]
    meanwhile_s: Sequence[float]


def run(options: Options) -> Iterator[Row]:
    """Yield three rows: seconds of a run, CPU of a run, and the seconds from the due time of live runs to their end."""
    days = QUICK_DAYS if options.quick else DAYS
    with tempfile.TemporaryDirectory(prefix="benchmark-history-") as folder, _running(Path(folder), days) as airflow:
        found = _backfill(airflow[0], airflow[1], days, options)
    label = f"{found.runs} days of {PER_DAY} detections"
    per_run = found.seconds / found.runs
    yield Row("backfill in Airflow", label, f"{found.seconds:.0f} s, {per_run:.1f} s a run", "")
    yield Row("backfill, CPU", label, f"{found.cpu_s / found.runs:.1f} s a run, live runs included", "")
    ours, theirs = median(found.meanwhile_s), median(found.before_s)
    words = f"{ours:.0f} s, at most {max(found.meanwhile_s):.0f} s", f"{theirs:.0f} s before"
    yield Row("backfill, live runs end", f"beside {label}", *words, ours / theirs)


def _backfill(airflow: AirflowAddress, simulator: Simulator, days: int, options: Options) -> Found:
    api = airflow.api()
    _wait_for(lambda: api.unpause(DAG), "the DAG")
    options.say("live runs before the backfill")
    _wait_for(lambda: len(_ended(api, "scheduled")) > BEFORE, "live runs")
    before = _ended(api, "scheduled")[1:]
    options.say("backfill")
    processes = ProcessTree(tuple(child.pid for child in airflow.processes))
    started, cpu = time.monotonic(), processes.cpu_s()
    _create_backfill(api, days)
    _wait_for(lambda: len(_ended(api, "backfill")) == days, "the backfill")
    seconds, cpu = time.monotonic() - started, processes.cpu_s() - cpu
    _wait_for(lambda: len(_ended(api, "scheduled")) > len(before) + 1, "a live run beside the backfill")
    meanwhile = _ended(api, "scheduled")[len(before) + 1 :]
    copies = Counter(Counter(stored.incident_id for stored in simulator.detections).values())
    assert set(copies) == {1}, copies
    old = sum((stored.incident_id or "").startswith("old") for stored in simulator.detections)
    assert old == days * PER_DAY, old
    return Found(days, seconds, cpu, _list_waits(before), _list_waits(meanwhile))


def _create_backfill(api: AirflowApi, days: int) -> None:
    since = _first_day(days)
    body = {
        "dag_id": DAG,
        "from_date": since.isoformat(),
        "to_date": (since + timedelta(days=days)).isoformat(),
        "max_active_runs": 10,
    }
    api.request("POST", "/backfills", json=body)


def _first_day(days: int) -> datetime:
    """Return the midnight at which the range of this many days starts that ends yesterday."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)


def _ended(api: AirflowApi, kind: str) -> list[dict[str, Any]]:
    """Return the runs of a kind that have ended, in the order of their windows."""
    runs = [run for run in api.runs(DAG) if run["run_type"] == kind and run["end_date"]]
    assert all(run["state"] == "success" for run in runs), runs
    return runs


def _list_waits(runs: Sequence[dict[str, Any]]) -> list[float]:
    """Return the seconds from each run's due time to its end."""
    return [_read(run["end_date"]) - _read(run["run_after"]) for run in runs]


def _read(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@contextmanager
def _running(folder: Path, days: int) -> Iterator[tuple[AirflowAddress, Simulator]]:
    connectors = folder / "connectors.yaml"
    connectors.write_text(CONNECTORS, encoding="utf-8")
    home = folder / "airflow"
    home.mkdir()
    vendors = Simulator(okta_events=_make_events(days), scenario=False, limits=Limits.off())
    with serve(vendors) as simulator:
        settings = AirflowSettings(
            folder=home,
            port=find_free_port(),
            connectors=connectors,
            connections=demo_connections(simulator.url),
            keep_database=False,
        )
        with running_airflow(settings) as airflow:
            yield airflow, simulator


def _make_events(days: int) -> list[dict[str, Any]]:
    now, first = datetime.now(UTC), _first_day(days)
    old = [first + number * timedelta(days=1) / PER_DAY for number in range(days * PER_DAY)]
    live_first = now - timedelta(minutes=10)
    live = [live_first + number * APART for number in range(AHEAD // APART)]
    return [*_events("old", old), *_events("live", live)]


def _events(prefix: str, instants: Sequence[datetime]) -> Iterator[dict[str, Any]]:
    draws = Draws("history")
    for number, instant in enumerate(instants):
        yield {**threat_event(draws, to_us(instant), None), "uuid": f"{prefix}-{number}", "actor": _ACTOR}


#: An address that no criterion excludes.
_ACTOR = {"displayName": "198.51.100.7", "type": "IP"}


def _wait_for(is_done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {_TIMEOUT_S:.0f} s")
        time.sleep(0.5)
