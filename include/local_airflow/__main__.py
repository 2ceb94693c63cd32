"""`make demo`. With ONCE, its exit status is 0 only if every run succeeded and the counts add up."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

import click
import psycopg2
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from local_airflow.airflow_api import AirflowApi
from local_airflow.airflow_server import AirflowAddress, Step, running_airflow
from local_airflow.entries import demo_connections
from local_airflow.folder import held_lock
from local_airflow.mishaps import explain_failure
from local_airflow.ports import check_port
from local_airflow.processes import ChildProcess, check_alive
from local_airflow.report import make_console, open_page, print_address, print_report, print_run, shown_step
from local_airflow.runs import CONNECTORS, Run, RunReader
from local_airflow.settings import DEMO_CONNECTORS, FOLDER, AirflowSettings, LaunchError
from local_airflow.signals import end_on_signals, ignore_signals
from simulator import Simulator, serve

INTERRUPTED: Final = 130
ENABLE_S: Final = 90.0
IMPORT_S: Final = 1800.0
_POLL_S: Final = 0.5
_SERVE_POLL_S: Final = 5.0
_PORT: Final = click.IntRange(1, 65535)


def main() -> int:
    """Run the demo and return its exit status."""
    os.umask(0o077)
    end_on_signals()
    console = make_console()
    try:
        status: int = demo(obj=console, standalone_mode=False)
    except click.UsageError as err:
        return _print_failure(console, err.format_message())
    except (LaunchError, OSError, psycopg2.Error, DBAPIError) as err:  # type: ignore[attr-defined]  # psycopg2: no types
        sentence = explain_failure(err, FOLDER) or (str(err) if isinstance(err, LaunchError) else "")
        if not sentence:
            raise
        return _print_failure(console, sentence)
    except (KeyboardInterrupt, click.Abort):
        console.print("Stopped.")
        return INTERRUPTED
    return status


def _print_failure(console: Console, sentence: str) -> int:
    console.print(f"[red]{escape(sentence)}", soft_wrap=True)
    return 1


@click.command()
@click.option("--port", envvar="PORT", type=_PORT, default=8080, show_envvar=True)
@click.option("--simulator-port", envvar="SIMULATOR_PORT", type=_PORT, default=8099, show_envvar=True)
@click.option("--once", envvar="ONCE", is_flag=True, show_envvar=True)
@click.pass_obj
def demo(console: Console, port: int, simulator_port: int, once: bool) -> int:
    """Start everything, report the imports, and serve, unless `once` ends it after the table."""
    if port == simulator_port:
        raise click.UsageError(f"PORT and SIMULATOR_PORT are both {port}: choose two different ports.")
    step: Step = partial(shown_step, console)
    with _serving(console, port, simulator_port, step) as (airflow, simulator):
        api = airflow.api()
        reader = RunReader(api)
        enable_connectors(api, airflow.processes, step)
        runs, stored = wait_for_imports(reader, simulator, airflow.processes, step)
        is_right = print_report(console, runs, stored)
        if once:
            return 0 if is_right else 1
        print_address(console, airflow.url, airflow.user, airflow.password)
        open_page(console, airflow.url, os.environ)
        report_runs(reader, runs, airflow.processes, console)
    return 0


@contextmanager
def _serving(
    console: Console, port: int, simulator_port: int, step: Step
) -> Iterator[tuple[AirflowAddress, Simulator]]:
    with ExitStack() as stack:
        stack.enter_context(held_lock(FOLDER, lambda: console.print("  An earlier demo is still ending; waiting ...")))
        check_port(port, "Airflow", "PORT")
        check_port(simulator_port, "the simulator", "SIMULATOR_PORT")
        with step("Simulator of the vendors"):
            simulator = _start_simulator(simulator_port, stack)
        wanted = AirflowSettings(FOLDER, port, DEMO_CONNECTORS, connections=demo_connections(simulator.url))
        airflow = stack.enter_context(running_airflow(wanted, step))
        stack.callback(ignore_signals)
        yield airflow, simulator


def _start_simulator(port: int, stack: ExitStack) -> Simulator:
    try:
        return stack.enter_context(serve(Simulator(state_directory=FOLDER / "simulator"), port=port))
    except (OSError, ValueError) as err:
        raise LaunchError(f"The simulator cannot start: {err}") from err


def enable_connectors(api: AirflowApi, processes: Sequence[ChildProcess], step: Step) -> None:
    """Unpause the connectors' DAGs; LaunchError if one does not appear."""
    waiting = [connector.dag_id for connector in CONNECTORS.values()]
    deadline = time.monotonic() + ENABLE_S
    with step("Connectors enabled"):
        while waiting := [dag_id for dag_id in waiting if not api.unpause(dag_id)]:
            check_alive(processes)
            if time.monotonic() > deadline:
                reasons = "; ".join(api.import_errors()) or "the DAG processor found no such DAG"
                raise LaunchError(f"Airflow has no DAG {', '.join(waiting)}: {reasons}")
            time.sleep(_POLL_S)


def wait_for_imports(
    reader: RunReader, simulator: Simulator, processes: Sequence[ChildProcess], step: Step
) -> tuple[Sequence[Run], Mapping[str, int]]:
    """Return all runs, and the stored detections by source type, once every connector has run."""
    deadline = time.monotonic() + IMPORT_S
    with step("Initial imports") as say:
        while True:
            check_alive(processes)
            runs = reader.read_all()
            imported = {run.connector for run in runs if run.run_type == "scheduled"}
            if imported == set(CONNECTORS) and all(run.is_finished for run in runs):
                stored = Counter(each.entry["ioc"].get("source_type") for each in simulator.detections)
                if reader.read_all() == runs:
                    return runs, stored
            if time.monotonic() > deadline:
                raise LaunchError(f"The imports did not finish within {IMPORT_S:.0f} s: {_describe(runs)}.")
            say(_describe(runs))
            time.sleep(_POLL_S)


def report_runs(reader: RunReader, known: Sequence[Run], processes: Sequence[ChildProcess], console: Console) -> None:
    """Print a line about each run that finishes, until interrupted or a process ends."""
    shown = list(known)
    try:
        while True:
            time.sleep(_SERVE_POLL_S)
            check_alive(processes)
            for run in reader.read_all():
                if run.is_finished and run not in shown:
                    shown.append(run)
                    print_run(console, run)
    except KeyboardInterrupt:
        console.print("  Stopping ...")


def _describe(runs: Sequence[Run]) -> str:
    """Return the state of each connector's last run, such as `okta: map running, sentinelone: success`."""
    words = dict.fromkeys(CONNECTORS, "waiting")
    for run in runs:
        at_work = [f"{stage.name} {stage.state}" for stage in run.stages.values() if stage.state == "running"]
        words[run.connector] = at_work[-1] if at_work else run.state
    return ", ".join(f"{name}: {word}" for name, word in words.items())


if __name__ == "__main__":
    sys.exit(main())
