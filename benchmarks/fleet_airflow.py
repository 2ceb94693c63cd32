"""A real Airflow with many DAGs: how long the DAG processor takes, and how fast and with how much CPU the DAGs run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.process_tree import ProcessTree, find_tree, noting_peak
from benchmarks.row import Say
from local_airflow.airflow_server import DATABASE, AirflowAddress, running_airflow
from local_airflow.settings import AirflowSettings

#: Tasks at a time: twice as many as cores, since a task waits for others most of its time.
PARALLELISM = 4
#: What a deployment of many DAGs sets (docs/capacity.md). The scheduler's pause is Airflow's default.
SETTINGS = {
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
}
TASKS = 5
ROUNDS = 2
_POLL_S = 0.5
#: Reading the memory of all processes takes a tenth of a second.
_SAMPLE_S = 3.0
_TIMEOUT_S = 1200.0
_UNPAUSED = {"is_paused": False}
#: The start of each task, and the end of the task before it, in epoch seconds.
_TASKS = """
    SELECT json_agg(json_build_array(dag_id, extract(epoch FROM start_date), extract(epoch FROM before))) FROM (
        SELECT dag_id, start_date, lag(end_date) OVER (PARTITION BY dag_id ORDER BY start_date) AS before
        FROM task_instance WHERE dag_id = ANY(%s)
    ) AS tasks
"""


@dataclass(frozen=True, slots=True)
class Parsing:
    """Figures of the DAG processor: seconds until all DAGs were in the database; then CPU seconds to parse all files
    once, the seconds of the files, and the largest memory."""

    load_s: float
    round_cpu_s: float
    round_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Work:
    """Figures of runs: tasks a second, CPU seconds of a run by process, seconds that tasks waited for a slot
    (median, 95 %), seconds from a run's start to that of its first task, and the largest memory.

    begun_s: for the first task of each run at a pace, the seconds from when the run was due; next_s: for each later
    task, those from the end of the task before it.
    """

    tasks_per_s: float
    cpu_s: Mapping[str, float]
    wait_s: tuple[float, float]
    begin_s: float
    peak_bytes: int
    begun_s: Sequence[float] = ()
    next_s: Sequence[float] = ()


class FleetAirflow:
    """A running Airflow, whose DAGs to measure have ids that begin with `prefix`."""

    def __init__(self, address: AirflowAddress, dags: Path, prefix: str, say: Say) -> None:
        self.address, self.dags, self.say = address, dags, say
        self.api = address.api()
        self._like = prefix.replace("_", r"\_") + "%"
        self._children = [(child.name, child.pid) for child in address.processes]

    def parse(self, dags: int) -> Parsing:
        """Wait until all DAGs are in the database, then for some more rounds."""
        tree = find_tree(self._children, "dag-processor")
        began = psutil.Process(tree.roots[0]).create_time()
        self._wait(lambda: self._ask("count(*)", "dag") >= dags, f"waiting for {dags} DAGs")
        load_s = float(self._ask("extract(epoch FROM max(last_parsed_time))", "dag")) - began
        with noting_peak(tree.memory_bytes, _SAMPLE_S) as peak:
            self._await_round()
            before = tree.cpu_s()
            for _ in range(ROUNDS):
                self._await_round()
            cpu_s = (tree.cpu_s() - before) / ROUNDS
        files = "(SELECT DISTINCT relative_fileloc, last_parse_duration FROM dag) AS files"
        round_s = self.address.postgres.query(f"SELECT sum(last_parse_duration) FROM {files}", (), DATABASE)  # noqa: S608 - ours
        return Parsing(load_s, cpu_s, float(round_s), peak[0])

    def run_at_once(self, pattern: str, runs: int) -> Work:
        """Unpause the DAGs of a pattern, each of which has one run due, and wait for these runs."""
        with self._working(runs) as measured:
            self.api.request("PATCH", "/dags", params={"dag_id_pattern": pattern, "limit": runs}, json=_UNPAUSED)
        return measured[0]

    def run_paced(self, dag_ids: Sequence[str], pause_s: float) -> Work:
        """Unpause one DAG after the other, each of which has one run due, and wait for these runs."""
        due: dict[str, float] = {}
        began = time.monotonic()
        with self._working(len(dag_ids)) as measured:
            for number, dag_id in enumerate(dag_ids):
                time.sleep(max(0.0, began + number * pause_s - time.monotonic()))
                due[dag_id] = time.time()
                self.api.request("PATCH", f"/dags/{dag_id}", json=_UNPAUSED)
        begun_s, next_s = self._read_lateness(due)
        return replace(measured[0], begun_s=begun_s, next_s=next_s)

    def _read_lateness(self, due: Mapping[str, float]) -> tuple[list[float], list[float]]:
        tasks = self.address.postgres.query(_TASKS, (list(due),), DATABASE)
        first = [start - due[dag_id] for dag_id, start, before in tasks if before is None]
        later = [start - before for _, start, before in tasks if before is not None]
        assert (len(first), len(later)) == (len(due), len(due) * (TASKS - 1)), (len(first), len(later))
        return first, later

    @contextmanager
    def _working(self, runs: int) -> Iterator[list[Work]]:
        tree, measured = find_tree(self._children), list[Work]()
        since = self.address.postgres.query("SELECT now()", (), DATABASE)
        done = int(self._count_runs("success"))
        with noting_peak(tree.memory_bytes, _SAMPLE_S) as peak:
            before = self._cpu_by_process()
            yield measured
            self._wait(lambda: self._count_runs("success") >= done + runs, f"waiting for {runs} runs")
            # Some of them can be scheduled runs that started in the meantime.
            self._wait(
                lambda: not self._count_runs("running") + self._count_runs("queued"), "waiting for the last runs"
            )
            after = self._cpu_by_process()
        assert not self._count_runs("failed"), "a run failed"
        ended = self._count_runs("success") - done
        cpu_s = {name: (after[name] - before[name]) / ended for name in after}
        measured.append(self._account(since, ended, cpu_s, peak[0]))

    def _account(self, since: datetime, runs: int, cpu_s: dict[str, float], peak_bytes: int) -> Work:
        tasks = "task_instance", "scheduled_dttm >= %s"
        began, ended = (
            self._ask("min(queued_at)", "dag_run", "queued_at >= %s", since),
            self._ask("max(end_date)", *tasks, since),
        )
        wait = "percentile_cont({}) WITHIN GROUP (ORDER BY extract(epoch FROM start_date - scheduled_dttm))"
        median, most = (float(self._ask(wait.format(part), *tasks, since)) for part in (0.5, 0.95))
        first = "percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM start_date - queued_at))"
        begin_s = float(self._ask(first, "dag_run", "queued_at >= %s", since))
        seconds = (ended - began).total_seconds()
        return Work(runs * TASKS / seconds, cpu_s, (median, most), begin_s, peak_bytes)

    def _cpu_by_process(self) -> dict[str, float]:
        found = {name.rpartition(" ")[2]: ProcessTree((pid,)) for name, pid in self._children}
        used = {name: tree.cpu_s() for name, tree in found.items()}
        own = found["scheduler"].cpu_of_command_s("scheduler")
        return {**used, "scheduler": own, "workers and tasks": used["scheduler"] - own}

    def _await_round(self) -> None:
        """Change every file, so that it is parsed before its time, and wait until all have been."""
        for file in self.dags.glob("*.py"):
            os.utime(file)
        begin = self.address.postgres.query("SELECT now()", (), DATABASE)
        self._wait(
            lambda: self._ask("min(last_parsed_time)", "dag") > begin, "waiting for a round of the DAG processor"
        )

    def _count_runs(self, state: str) -> int:
        return int(self._ask("count(*)", "dag_run", "state = %s", state))

    def _ask(self, value: str, table: str, condition: str = "true", *parameters: object) -> Any:
        sql = f"SELECT {value} FROM {table} WHERE dag_id LIKE %s AND {condition}"  # noqa: S608 - words of ours
        return self.address.postgres.query(sql, (self._like, *parameters), DATABASE)

    def _wait(self, is_done: Callable[[], bool], what: str) -> None:
        self.say(what)
        deadline = time.monotonic() + _TIMEOUT_S
        while not is_done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_S)


@contextmanager
def running_fleet(settings: AirflowSettings, prefix: str, say: Say) -> Iterator[FleetAirflow]:
    """Start an Airflow, yield it, and end it."""
    Path(settings.folder).mkdir()
    say("starting Airflow")
    with running_airflow(settings) as address:
        yield FleetAirflow(address, settings.dags, prefix, say)
