"""The connectors' runs as Airflow's REST API reports them, and whether their counts add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ci_operators.answers.run.manifests import FoundManifest, read_manifest
from ci_operators.connectors_file import load_connectors
from ci_operators.core.tally import STAGES, Tally
from ci_operators.sources.registry import load_source
from local_airflow.airflow_api import AirflowApi
from local_airflow.settings import DEMO_CONNECTORS

#: The demo's connectors, by name.
CONNECTORS: Final = {each.name: each for each in load_connectors(DEMO_CONNECTORS).connectors}


@dataclass(frozen=True)
class Stage:
    """One task of one run. manifest: None if it has none (skipped, failed, not yet run) or an invalid one."""

    name: str
    state: str
    manifest: FoundManifest | None = None
    error: str = ""

    @property
    def tally(self) -> Tally:
        """Return what it counted, or nothing without a manifest."""
        return self.manifest.tally if self.manifest else Tally()

    @property
    def is_debug(self) -> bool:
        """Return whether Recorded Future only checks its detections."""
        return self.manifest is not None and self.manifest.debug


@dataclass(frozen=True)
class Run:
    """One run of a connector's DAG."""

    connector: str
    run_id: str
    run_type: str
    state: str
    stages: Mapping[str, Stage]
    duration_s: float = 0.0

    @property
    def is_finished(self) -> bool:
        """Return whether the run will not change by itself any more."""
        return self.state in {"success", "failed"}

    def tally(self, stage: str) -> Tally:
        """Return what a stage of this run counted."""
        return self.stages[stage].tally if stage in self.stages else Tally()


class RunReader:
    """Reads runs; the counts of a finished run are requested once."""

    def __init__(self, api: AirflowApi) -> None:
        """Read through `api`."""
        self._api = api
        self._finished: dict[tuple[str, ...], Run] = {}

    def read_all(self) -> tuple[Run, ...]:
        """Return all runs of all connectors, each connector's oldest first."""
        return tuple(
            self._read(name, entry)
            for name, connector in CONNECTORS.items()
            for entry in self._api.runs(connector.dag_id)
        )

    def _read(self, connector: str, entry: dict[str, Any]) -> Run:
        dag_id, run_id, state = entry["dag_id"], entry["dag_run_id"], entry["state"]
        # A run that is cleared and runs again ends at another time.
        key = (dag_id, run_id, state, str(entry["end_date"]))
        if key in self._finished:
            return self._finished[key]
        tasks = {task["task_id"]: task for task in self._api.tasks(dag_id, run_id)}
        stages = {name: self._read_stage(tasks[name]) for name in STAGES if name in tasks}
        run = Run(connector, run_id, entry["run_type"], state, stages, float(entry["duration"] or 0.0))
        if run.is_finished:
            self._finished[key] = run
        return run

    def _read_stage(self, task: dict[str, Any]) -> Stage:
        name, state = task["task_id"], task["state"] or "waiting"
        where = (task["dag_id"], task["dag_run_id"], name)
        if state == "failed":
            return Stage(name, state, error=self._api.error_of(*where, task["try_number"]))
        left = self._api.returned(*where) if state in {"success", "skipped"} else None
        return Stage(name, state, read_manifest(left))


def count_stored(connector: str, stored: Mapping[str, int]) -> int:
    """Return how many of the stored detections, counted by `ioc.source_type`, are from a connector's source."""
    return stored.get(load_source(CONNECTORS[connector].source).title, 0)


def find_faults(runs: Sequence[Run], stored: Mapping[str, int]) -> list[str]:
    """Return a sentence for each run that did not succeed and each sum that does not add up.

    stored: the number of detections in the API, by source type.
    """
    faults = [fault for run in runs for fault in (*_find_failures(run), *_find_losses(run))]
    for name in dict.fromkeys(run.connector for run in runs):
        own = [run for run in runs if run.connector == name]
        submits = [run.stages[STAGES[-1]] for run in own if STAGES[-1] in run.stages]
        sent = sum(submit.tally.records_out for submit in submits if not submit.is_debug)
        held = count_stored(name, stored)
        if sent != held:
            faults.append(f"{name}: {sent} detections were accepted, but the API stores {held}.")
    return faults


def _find_failures(run: Run) -> Iterator[str]:
    if run.state != "success":
        failed = [stage for stage in run.stages.values() if stage.state == "failed"]
        for stage in failed:
            yield f"{run.connector}: {stage.name} failed in {run.run_id}: {stage.error}"
        if not failed:
            yield f"{run.connector}: {run.run_id} is {run.state}."


def _find_losses(run: Run) -> Iterator[str]:
    where = f"{run.connector}, {run.run_id}"
    for stage in run.stages.values():
        if stage.state == "success" and not stage.manifest:
            yield f"{where}: {stage.name} succeeded without a manifest whose counts add up."
    for before, after in pairwise(run.stages.values()):
        passed, taken = before.tally.records_out, after.tally.records_in
        if before.manifest and _is_comparable(before, after) and passed != taken:
            yield f"{where}: {before.name} passed on {passed} records, but {after.name} read {taken}."


def _is_comparable(before: Stage, after: Stage) -> bool:
    """Return whether the later stage had to read everything: not if it failed, nor as the submit of a debug run."""
    is_debug_end = before.is_debug and after.name == STAGES[-1]
    return after.manifest is not None or (after.state == "skipped" and not is_debug_end)
