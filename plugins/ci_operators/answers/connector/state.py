"""The state of a connector, from its health and its DAG in Airflow: one word, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ci_operators.answers.connector.health import ConnectorHealth, find_remarks
from ci_operators.answers.run.account import RunState


@dataclass(frozen=True, slots=True)
class DagState:
    """A connector's DAG. failed_runs: how many failed in the requested time range."""

    paused: bool
    last_run: RunState | None
    failed_runs: int


def find_state(health: ConnectorHealth, dag: DagState | None) -> tuple[str, str]:
    """Return a connector's state: its level ("good", "behind", "bad", "dry" or "idle") and its word.

    dag: None if Airflow has not parsed it.
    """
    last_run = dag.last_run if dag else None
    cases = (
        (health.problem, "bad", "Not readable"),
        (dag is None, "bad", "No DAG"),
        (dag and dag.paused, "idle", "Paused"),
        (health.stopped, "bad", "Stopped sending"),
        (last_run and last_run.state == "failed", "bad", "Failing"),
        (health.behind, "behind", "Behind"),
        (health.debug and last_run, "dry", "Dry run"),
        (health.debug, "idle", "Not run yet"),
        (health.last_window, "good", "On time"),
        (True, "idle", "Nothing yet"),
    )
    return next((level, word) for holds, level, word in cases if holds)


def find_all_remarks(health: ConnectorHealth, dag: DagState | None) -> Iterator[str]:
    """Yield a sentence for each fact about a connector and its DAG that a person should know."""
    if dag is None:
        yield "Airflow has not read its DAG yet. Check Dags for an import error."
    elif dag.paused:
        yield "Its DAG is paused. Unpause it, and the next run starts where the last delivered window ended."
    yield from find_remarks(health)
    if dag is not None and not dag.paused and dag.last_run is None:
        yield "It has not run yet. Its schedule will start it, or trigger the DAG now."
