"""`make demo`. With ONCE its status is 0 only if every run succeeded and the counts add up."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.markup import escape

from demo.airflow_server import AirflowAddress, running_airflow
from demo.errors import DemoError
from demo.lock import held_lock
from demo.ports import check_port
from demo.report import make_console, open_page, print_address, print_report
from demo.runs import RunReader
from demo.settings import AirflowSettings, Connection, DemoSettings
from demo.show import Show
from demo.signals import end_on_signals, ignore_signals
from demo.simulator_server import SimulatorAddress, running_simulator
from demo.steps import ConsoleProgress, Progress
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN

INTERRUPTED = 130


def main() -> int:
    """Run the demo and return its exit status."""
    end_on_signals()
    console = make_console()
    try:
        return run(DemoSettings.from_environment(os.environ), console)
    except DemoError as err:
        console.print(f"[red]{escape(str(err))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return INTERRUPTED


def run(settings: DemoSettings, console: Console) -> int:
    """Start everything, tell what came of the imports, and serve unless told to end after the table."""
    progress = ConsoleProgress(console)
    with _serving(settings, console, progress) as (airflow, simulator):
        api = airflow.api()
        show = Show(api, RunReader(api), simulator, (*airflow.processes, simulator.process))
        show.enable(progress)
        outcome = show.wait_for_imports(progress)
        is_right = print_report(console, outcome.runs, outcome.stored)
        if settings.once:
            return 0 if is_right else 1
        print_address(console, airflow.url, airflow.user, airflow.password)
        open_page(console, airflow.url, os.environ)
        try:
            show.serve(console, outcome.runs)
        except KeyboardInterrupt:
            console.print("  Ending ...")
    return 0


@contextmanager
def _serving(
    settings: DemoSettings, console: Console, progress: Progress
) -> Iterator[tuple[AirflowAddress, SimulatorAddress]]:
    def tell_waiting() -> None:
        console.print("  An earlier demo is still ending; waiting for it ...")

    with ExitStack() as stack:
        lock = stack.enter_context(held_lock(settings.folder, tell_waiting))
        check_port(settings.port, "Airflow", "PORT")
        check_port(settings.simulator_port, "the simulator", "SIMULATOR_PORT")
        with progress.step("Simulator of the three vendors"):
            starting = running_simulator(settings.folder, settings.simulator_port, (lock,))
            simulator = stack.enter_context(starting)
        wanted = _airflow_settings(settings, simulator.url)
        airflow = stack.enter_context(running_airflow(wanted, progress, (lock,)))
        stack.callback(ignore_signals)
        yield airflow, simulator


def _airflow_settings(settings: DemoSettings, simulator_url: str) -> AirflowSettings:
    tokens = {"okta": OKTA_TOKEN, "sentinelone": SENTINELONE_TOKEN, "recorded_future": RECORDED_FUTURE_TOKEN}
    return AirflowSettings(
        folder=settings.folder,
        port=settings.port,
        connectors=settings.connectors,
        dags=settings.dags,
        connections=tuple(
            Connection(f"{kind}_default", simulator_url, token, conn_type=kind) for kind, token in tokens.items()
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
