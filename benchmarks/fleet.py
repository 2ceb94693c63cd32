"""Many connectors of one file in a real Airflow, compared with the same number of DAGs of five empty tasks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.children import ROOT
from benchmarks.fleet_airflow import PARALLELISM, SETTINGS, TASKS, Parsing, Work, running_fleet
from benchmarks.fleet_vendors import ACTIVE, FleetConnector, FleetVendors, make_fleet
from benchmarks.row import Options, Row, Say, show_count, show_megabytes
from ci_operators.core.connector import DAG_PREFIX
from local_airflow.entries import demo_connections
from local_airflow.ports import find_free_port
from local_airflow.settings import AirflowSettings
from simulator import serve

AIM_ROUND, AIM_RUN = 1.5, 1.3
TRIVIAL = "trivial_"


@dataclass(frozen=True, slots=True)
class Size:
    """The number of connectors, of those that run at once, and of those that run one after the other."""

    connectors: int
    at_once: int
    paced: int

    @property
    def pause_s(self) -> float:
        """Return the seconds between two runs when all connectors run every half hour."""
        return 1800 / FULL.connectors


FULL = Size(1000, 40, 40)
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
    asked = f"{TASKS / size.pause_s:.1f} tasks/s asked"
    yield from _work_rows(f"{size.paced}, {asked}", ours.paced, theirs.paced)
    for name, used in ours.at_once.cpu_s.items():
        beside = theirs.at_once.cpu_s[name]
        yield Row("fleet CPU of a run", name, f"{used:.2f} s", f"{beside:.2f} s", used / beside if beside else None)


def _measure_connectors(folder: Path, size: Size, say: Say) -> Measured:
    fleet = make_fleet(size.connectors, size.at_once)
    active = [connector for connector in fleet if connector.active]
    vendors = FleetVendors(fleet, datetime.now(UTC))
    config = folder / "connectors.yaml"
    config.write_text("connectors:\n" + "".join(connector.entry() for connector in fleet))
    dags = folder / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    with serve(vendors.simulator) as simulator:
        settings = _settings(folder / "ours", dags, config, simulator.url)
        with running_fleet(settings, DAG_PREFIX, say) as airflow:
            parsing = airflow.parse(size.connectors + 1)  # and the maintenance
            at_once = airflow.run_at_once(f"{DAG_PREFIX}{ACTIVE}-%", size.at_once)
            chosen = active[: size.paced]
            paced = airflow.run_paced(_ids(chosen), vendors.old_window(), size.pause_s)
        say(f"{vendors.check(recent=active, old=chosen)} detections arrived, each once")
    return Measured(parsing, at_once, paced)


def _ids(connectors: list[FleetConnector]) -> list[str]:
    return [f"{DAG_PREFIX}{connector.name}" for connector in connectors]


def _measure_trivial(folder: Path, size: Size, say: Say) -> Measured:
    config = folder / "none.yaml"
    config.write_text("connectors: []\n")
    variables = {"BENCHMARK_TRIVIAL_DAGS": str(size.connectors), "BENCHMARK_TRIVIAL_ONCE": str(size.at_once)}
    settings = _settings(folder / "trivial", ROOT / "benchmarks" / "dags", config, "http://127.0.0.1", variables)
    with running_fleet(settings, TRIVIAL, say) as airflow:
        parsing = airflow.parse(size.connectors)
        at_once = airflow.run_at_once(f"{TRIVIAL}once_%", size.at_once)
        paced = airflow.run_paced([f"{TRIVIAL}once_{number}" for number in range(size.paced)], {}, size.pause_s)
    return Measured(parsing, at_once, paced)


def _settings(
    folder: Path, dags: Path, connectors: Path, url: str, variables: dict[str, str] | None = None
) -> AirflowSettings:
    return AirflowSettings(
        folder=folder,
        port=find_free_port(),
        connectors=connectors,
        dags=dags,
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


def _seconds(name: str, label: str, ours: float, theirs: float, aim: float | None = None) -> Row:
    words, met = ("", None) if aim is None else (f"≤ {aim:g} x trivial", ours / theirs <= aim)
    return Row(name, label, f"{ours:.2f} s", f"{theirs:.2f} s", ours / theirs, words, met, aim_ratio=aim)


def _memory(name: str, label: str, ours: int, theirs: int) -> Row:
    return Row(name, label, show_megabytes(ours), show_megabytes(theirs), ours / theirs)
