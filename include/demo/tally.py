"""The arithmetic of the table: what each stage took, passed on and left out, and whether it adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from demo.settings import STAGES, Connector


@dataclass(frozen=True)
class Counts:
    """What one stage counted in one run, or in several."""

    records_in: int = 0
    records_out: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    duration_s: float = 0.0
    is_debug: bool = False

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Counts:
        """Returns the counts of a stage's manifest."""
        return cls(
            records_in=int(manifest["records_in"]),
            records_out=int(manifest["records_out"]),
            dropped=dict(manifest.get("dropped") or {}),
            quarantined=dict(manifest.get("quarantined") or {}),
            duration_s=float(manifest.get("duration_s") or 0.0),
            is_debug=bool(manifest.get("debug")),
        )

    @property
    def left_out(self) -> int:
        """The number of records that were dropped or quarantined."""
        return sum(self.dropped.values()) + sum(self.quarantined.values())

    def __add__(self, other: Counts) -> Counts:
        """Returns the counts of both together."""
        return Counts(
            self.records_in + other.records_in,
            self.records_out + other.records_out,
            Counter(self.dropped) + Counter(other.dropped),
            Counter(self.quarantined) + Counter(other.quarantined),
            self.duration_s + other.duration_s,
            self.is_debug or other.is_debug,
        )


@dataclass(frozen=True)
class Stage:
    """One task of one run; `counts` is None where it left none (skipped, failed, not yet run)."""

    name: str
    state: str
    counts: Counts | None = None
    error: str = ""


@dataclass(frozen=True)
class Run:
    """One run of a connector's DAG."""

    connector: Connector
    run_id: str
    run_type: str
    state: str
    stages: tuple[Stage, ...] = ()
    duration_s: float = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in {"success", "failed"}

    @property
    def key(self) -> tuple[str, str, str, float]:
        """What tells this outcome from every other; a run that is cleared and done again has another."""
        return (self.connector.name, self.run_id, self.state, self.duration_s)

    def counts_of(self, stage: str) -> Counts | None:
        """Returns what a stage of this run counted."""
        return next((found.counts for found in self.stages if found.name == stage), None)


def sum_stage(runs: Iterable[Run], stage: str) -> Counts | None:
    """Returns the counts of a stage over all runs, or None if it never left any."""
    found = [counts for run in runs if (counts := run.counts_of(stage)) is not None]
    return sum(found[1:], found[0]) if found else None


def find_faults(runs: Sequence[Run], stored: Mapping[str, int]) -> list[str]:
    """Returns a sentence for each run that did not succeed and each sum that does not add up.

    `stored` has the number of detections the destination holds by source type.
    """
    faults = [fault for run in runs for fault in (*_find_failure(run), *_find_losses(run))]
    for connector in dict.fromkeys(run.connector for run in runs):
        sent = sum(_count_sent(run) for run in runs if run.connector == connector)
        held = stored.get(connector.source_type, 0)
        if sent != held:
            faults.append(f"{connector.name}: {sent} detections were accepted, but the API stores {held}.")
    return faults


def _find_failure(run: Run) -> Iterator[str]:
    if run.state == "success":
        return
    failed = [stage for stage in run.stages if stage.state == "failed"]
    for stage in failed:
        yield f"{run.connector.name}: {stage.name} failed in {run.run_id}: {stage.error}"
    if not failed:
        yield f"{run.connector.name}: {run.run_id} is {run.state}."


def _find_losses(run: Run) -> Iterator[str]:
    where = f"{run.connector.name}, {run.run_id}"
    for stage in run.stages:
        counts = stage.counts
        if counts is not None and counts.records_in != counts.records_out + counts.left_out:
            yield (
                f"{where}: {stage.name} took {counts.records_in}, passed on {counts.records_out} "
                f"and left out {counts.left_out}."
            )
        if counts is None and stage.state == "success":
            yield f"{where}: {stage.name} succeeded without a manifest."
    for before, after in pairwise(run.stages):
        if before.counts is not None and not _is_handed_on(before.counts, after):
            taken = after.counts.records_in if after.counts else "none"
            yield f"{where}: {before.name} passed on {before.counts.records_out}, {after.name} took {taken}."


def _is_handed_on(before: Counts, after: Stage) -> bool:
    if after.counts is not None:
        return before.records_out == after.counts.records_in
    if after.state != "skipped":
        return True  # it failed or has not run: told elsewhere
    return before.records_out == 0 or (before.is_debug and after.name == STAGES[-1])


def _count_sent(run: Run) -> int:
    counts = run.counts_of(STAGES[-1])
    return counts.records_out if counts is not None and not counts.is_debug else 0
