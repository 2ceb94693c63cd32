"""Many connectors of one file in a real Airflow, compared with the same number of DAGs of five empty tasks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from benchmarks.children import ROOT
from benchmarks.fleet_airflow import PARALLELISM, SETTINGS, TASKS, Parsing, Work, running_fleet
from benchmarks.fleet_vendors import AT_ONCE, IDLE, PACED, FleetConnector, FleetVendors
from benchmarks.row import Options, Row, Say, show_count, show_megabytes
from ci_operators.core.connector import DAG_PREFIX
from local_airflow.entries import demo_connections
from local_airflow.ports import find_free_port
from local_airflow.settings import AirflowSettings
from simulator import serve

AIM_ROUND, AIM_RUN = 1.5, 1.3
#: Of the runs at the pace: a task is in time if it begins within so many seconds, and so many must be; a run's first
#: task must begin within a minute.
IN_TIME_S, AIM_IN_TIME, AIM_LATEST_S = 5.0, 0.95, 60.0
TRIVIAL = "trivial_"


@dataclass(frozen=True, slots=True)
class Size:
    """The number of connectors, of those that run at once, and of those that run at the pace of half an hour."""

    connectors: int
    at_once: int
    paced: int

    @property
    def pause_s(self) -> float:
        """Return the seconds between two runs when all connectors run every half hour."""
        return 1800 / FULL.connectors

    @property
    def roles(self) -> list[str]:
        """Return the role of each connector."""
        return [AT_ONCE] * self.at_once + [PACED] * self.paced + [IDLE] * (self.connectors - self.at_once - self.paced)


FULL = Size(1000, 40, 500)  # a quarter of an hour
QUICK = Size(100, 25, 25)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one side."""

    parsing: Parsing
    at_once: Work
    paced: Work


def run(options: Options) -> Iterator[Row]:
    """Yield rows for the DAG processor, then for the runs."""
    size = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(prefix="benchmark-fleet-") as folder:
        ours = _measure_connectors(Path(folder), size, options.say)
        theirs = _measure_trivial(Path(folder), size, options.say)
    yield from _parsing_rows(size, ours.parsing, theirs.parsing)
    yield from _work_rows(f"{size.at_once} at once", ours.at_once, theirs.at_once)
    label = f"{size.paced}, {TASKS / size.pause_s:.1f} tasks/s asked"
    yield from _work_rows(label, ours.paced, theirs.paced)
    yield from _lateness_rows(label, ours.paced, theirs.paced)
    for name, used in ours.at_once.cpu_s.items():
        beside = theirs.at_once.cpu_s[name]
        yield Row("fleet CPU of a run", name, f"{used:.2f} s", f"{beside:.2f} s", used / beside if beside else None)


def _measure_connectors(folder: Path, size: Size, say: Say) -> Measured:
    fleet = [FleetConnector(number, role) for number, role in enumerate(size.roles)]
    vendors = FleetVendors(fleet, datetime.now(UTC))
    config = folder / "connectors.yaml"
    config.write_text("connectors:\n" + "".join(connector.entry() for connector in fleet))
    with serve(vendors.simulator) as simulator:
        settings = _settings(folder / "ours", ROOT / "dags", config, simulator.url)
        names = [connector.name for connector in fleet]
        measured = _measure(settings, size, DAG_PREFIX, names, say, 1)  # and the DAG of the maintenance
        say(f"{vendors.check()} detections arrived, each once")
    return measured


def _measure_trivial(folder: Path, size: Size, say: Say) -> Measured:
    config = folder / "none.yaml"
    config.write_text("connectors: []\n")
    names = [f"{role}_{number}" for number, role in enumerate(size.roles)]
    variables = {"BENCHMARK_TRIVIAL_DAGS": " ".join(names)}
    settings = _settings(folder / "trivial", ROOT / "benchmarks" / "dags", config, "http://127.0.0.1", variables)
    return _measure(settings, size, TRIVIAL, names, say, 0)


def _measure(
    settings: AirflowSettings, size: Size, prefix: str, names: Sequence[str], say: Say, more_dags: int
) -> Measured:
    with running_fleet(settings, prefix, say) as airflow:
        parsing = airflow.parse(len(names) + more_dags)
        at_once = airflow.run_at_once(f"{prefix}{AT_ONCE}_%", size.at_once)
        paced = [f"{prefix}{name}" for name in names if name.startswith(PACED)]
        return Measured(parsing, at_once, airflow.run_paced(paced, size.pause_s))


def _settings(
    folder: Path, dags: Path, connectors: Path, url: str, variables: dict[str, str] | None = None
) -> AirflowSettings:
    copied = folder.with_name(f"{folder.name}-dags")  # since the measurement changes the files' times
    shutil.copytree(dags, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return AirflowSettings(
        folder=folder,
        port=find_free_port(),
        connectors=connectors,
        dags=copied,
        connections=demo_connections(url),
        idle_sleep_s=1.0,
        parallelism=PARALLELISM,
        keep_database=False,
        environment={**SETTINGS, **(variables or {})},
    )


def _parsing_rows(size: Size, ours: Parsing, theirs: Parsing) -> Iterator[Row]:
    label = f"{show_count(size.connectors)} DAGs"
    yield _seconds("fleet: into the database", label, ours.load_s, theirs.load_s)
    yield _seconds("fleet: parse of all files", label, ours.round_s, theirs.round_s)
    yield _seconds("fleet: CPU of a round", label, ours.round_cpu_s, theirs.round_cpu_s, AIM_ROUND)
    yield _memory("fleet: DAG processor", label, ours.peak_bytes, theirs.peak_bytes)


def _work_rows(label: str, ours: Work, theirs: Work) -> Iterator[Row]:
    speeds = f"{ours.tasks_per_s:.1f} tasks/s", f"{theirs.tasks_per_s:.1f} tasks/s"
    yield Row("fleet: speed", label, *speeds, ours.tasks_per_s / theirs.tasks_per_s, more_is_better=True)
    yield _seconds("fleet: task's wait, median", label, ours.wait_s[0], theirs.wait_s[0])
    yield _seconds("fleet: task's wait, of 95 %", label, ours.wait_s[1], theirs.wait_s[1])
    yield _seconds("fleet: run's wait, median", label, ours.begin_s, theirs.begin_s)
    yield _seconds("fleet: CPU of a run", label, sum(ours.cpu_s.values()), sum(theirs.cpu_s.values()), AIM_RUN)
    yield _memory("fleet: all of Airflow", label, ours.peak_bytes, theirs.peak_bytes)


def _lateness_rows(label: str, ours: Work, theirs: Work) -> Iterator[Row]:
    in_time, beside = (
        mean(seconds <= IN_TIME_S for seconds in (*work.begun_s, *work.next_s)) for work in (ours, theirs)
    )
    name, aim = f"fleet: tasks begun within {IN_TIME_S:g} s", f"≥ {AIM_IN_TIME:.0%}"
    yield Row(name, label, f"{in_time:.1%}", f"{beside:.1%}", None, aim, in_time >= AIM_IN_TIME)
    latest, beside = (max(work.begun_s) for work in (ours, theirs))
    aim = f"≤ {AIM_LATEST_S:g} s"
    yield Row("fleet: latest run", label, f"{latest:.1f} s", f"{beside:.1f} s", None, aim, latest <= AIM_LATEST_S)


def _seconds(name: str, label: str, ours: float, theirs: float, aim: float | None = None) -> Row:
    words, met = ("", None) if aim is None else (f"≤ {aim:g} x trivial", ours / theirs <= aim)
    return Row(name, label, f"{ours:.2f} s", f"{theirs:.2f} s", ours / theirs, words, met, aim_ratio=aim)


def _memory(name: str, label: str, ours: int, theirs: int) -> Row:
    return Row(name, label, show_megabytes(ours), show_megabytes(theirs), ours / theirs)
