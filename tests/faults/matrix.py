"""The fault matrix: each HTTP fault in each stage that uses HTTP, before and after the server has stored.

    PYTHONPATH=plugins:include python -m tests.faults.matrix

prints it. Every cell is a run of a connector against the simulator and a real PostgreSQL (LEDGER_TEST_URL or
an embedded one), in virtual time. The failed stage is retried as Airflow would do it. A fatal error is
followed by a person's Clear after the fault has ended. At the end, the stored and the expected detections are compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate
from ci_operators.transport.client import Client
from simulator import Limits, Simulator, serve
from simulator.settings import RECORDED_FUTURE_TOKEN, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
from tests.faults.cells import CELLS, COLUMNS, FAULTS, PATIENCE_S, Cell, Column, Fault, window_events
from tests.faults.line import Line
from tests.ledger_database import new_database, open_server
from tests.noting_session import NotingSession
from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.specimens import Specimens
from tests.vendor_cases import LIVE, WINDOW
from tests.virtual_time import NOON, VirtualTime


@dataclass
class Matrix:
    """The shared parts of all cells: the vendors and a migrated ledger."""

    engine: Engine
    folder: Path
    stack: ExitStack
    _served: dict[str, tuple[Simulator, VirtualTime]] = field(default_factory=dict)
    _made: int = 0

    def run(self, fault: Fault, column: Column) -> str:
        """Return the outcome of one cell."""
        simulator, time = self._serve(column.specimens)
        simulator.reset()
        time.instant = NOON
        with NotingSession() as session:
            line = self._line(column, simulator, session, time)
            if fault.before == "slow":
                line.source.timeout_s = line.destination.timeout_s = (5.0, PATIENCE_S)
            return Cell(fault, column, simulator, line, time).run()

    def _serve(self, specimens: Specimens) -> tuple[Simulator, VirtualTime]:
        name = specimens.source.name
        if name not in self._served:
            time, events = VirtualTime(), window_events(specimens)
            of_okta, of_sentinelone = (events, []) if specimens is OKTA else ([], events)
            simulator = Simulator(
                clock=time, okta_events=of_okta, sentinelone_threats=of_sentinelone, scenario=False, limits=Limits.off()
            )
            self._served[name] = self.stack.enter_context(serve(simulator)), time
        return self._served[name]

    def _line(self, column: Column, simulator: Simulator, session: NotingSession, time: VirtualTime) -> Line:
        self._made += 1
        name = f"cell-{self._made}"
        at_once = column.parallel_requests
        options: dict[str, Any] = {"name": name, "destination_conn_id": name, "parallel_requests": at_once}
        options["batch_size"] = 3 if at_once == 1 else 2
        if column.unknown == "hold":
            options["unknown_policy"] = "hold"
        token = RECORDED_FUTURE_TOKEN if column.unknown == "search" else RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
        connect: Callable[..., Client] = column.specimens.case.connect
        return Line(
            connector=column.specimens.connector(options),
            source=connect(simulator.url, session, time),
            destination=LIVE.connect(simulator.url, session, time, token),
            engine=self.engine,
            directory=self.folder / name,
            window=WINDOW,
            debug=column.stage == "validate",
            now=lambda: time.instant,
        )


@contextmanager
def open_matrix(engine: Engine) -> Iterator[Matrix]:
    """Yield a matrix over a migrated ledger."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ci-matrix-")))
        yield Matrix(engine, folder, stack)


def draw(results: Mapping[tuple[str, str], str]) -> Table:
    """Return the table fault x stage x result."""
    table = Table(box=box.SIMPLE_HEAD, title="Fault x stage x result", show_lines=False)
    table.add_column("fault", style="bold")
    for column in COLUMNS:
        table.add_column(column.name)
    for fault in FAULTS:
        found = (results.get((fault.name, column.name), "") for column in COLUMNS)
        table.add_row(fault.name, *(f"[red]{words}[/]" if words.startswith("WRONG") else words for words in found))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the matrix; 1 if a cell is not exact."""
    argparse.ArgumentParser(prog="python -m tests.faults.matrix", description="Print the fault matrix.").parse_args(
        arguments
    )
    results: dict[tuple[str, str], str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ci-matrix-")))
        url = stack.enter_context(new_database(stack.enter_context(open_server(folder))))
        migrate(make_engine(url))
        matrix = stack.enter_context(open_matrix(make_engine(url)))
        for fault, column in CELLS:
            try:
                results[fault.name, column.name] = matrix.run(fault, column)
            except AssertionError as err:
                results[fault.name, column.name] = f"WRONG: {err}"
    wrong = sum(words.startswith("WRONG") for words in results.values())
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(draw(results))
    console.print(f"{len(results)} cells, {wrong} of them not exact.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
