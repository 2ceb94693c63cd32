"""`make bench`, or `python -m benchmarks [NAME ...] [--quick]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks.row import Options, Row

#: Module -> what it measures. They run in this order and are imported late: the system counts the memory of the
#: process that starts another as that one's too, and `airflow_run` needs much.
BENCHMARKS = {
    "pipeline": "events per second and memory, beside a script that does the same in memory",
    "parse": "time and memory to parse connectors, beside as many trivial DAGs",
    "ledger": "detections per second and memory of an exact delivery, beside the same submissions without a ledger",
    "page_queries": "milliseconds of what the pages ask the ledger, at 1 000 to 1 000 000 detections",
    "page_times": "milliseconds of whole requests of the pages to a real Airflow, over ledgers of the same sizes",
    "airflow_run": "wall time of a run in a real Airflow, beside a DAG of five tasks that do nothing",
}


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks, print the table; the status is 0 whether aims are met or not."""
    chosen = _read_arguments(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    with console.status("benchmarks") as status:
        names = [name for name in BENCHMARKS if name in chosen.names or not chosen.names]
        rows = [row for name in names for row in _run(name, console, status, quick=chosen.quick)]
    console.print(_make_table(rows))
    return 0


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the project beside what people would do without it, in turns, and prints the ratios.",
        epilog="\n".join(f"{name}: {description}" for name, description in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repetitions")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    return chosen


def _run(name: str, console: Console, status: Status, *, quick: bool) -> Iterator[Row]:
    def say(sentence: str) -> None:
        status.update(f"{name}: {sentence}")
        if not console.is_terminal:
            console.print(f"{name}: {sentence}")

    rows: Iterator[Row] = import_module(f"benchmarks.{name}").run(Options(quick=quick, say=say))
    return rows


def _make_table(rows: Sequence[Row]) -> Table:
    table = Table(caption="Medians of measurements taken in turns; ratio: project / beside.")
    table.add_column("What", no_wrap=True)
    table.add_column("Case", no_wrap=True)
    for heading in ("Project", "Beside", "Ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Aim", no_wrap=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        word = {True: ": [green]met[/]", False: ": [red]missed[/]", None: ""}[row.met]
        table.add_row(row.benchmark, row.case, row.project, row.beside, ratio, f"{row.aim}{word}")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
