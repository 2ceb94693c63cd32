"""`make bench`, or `python -m benchmarks [NAME ...] [--quick] [--plot PICTURE] [--json FILE]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table

from benchmarks.kept import Measured, keep, read_kept
from benchmarks.row import Options, Row

#: Module -> what it measures. They run in this order and are imported late: the system counts the memory of a
#: process also for its children, and `airflow_run` needs much.
BENCHMARKS = {
    "floor": "CPU of the chain for every source, beside the least that the same libraries need for the same bytes",
    "pipeline": "events per second and memory, beside a script that does the same in memory",
    "parse": "time and memory to parse connectors, beside as many trivial DAGs",
    "ledger": "detections per second and memory of an exact delivery, beside none of it, and beside PostgreSQL itself",
    "delivery": "events per second from extract to stored, beside a script that does the same and keeps no ledger",
    "burst": "a million events in one window, from extract to stored: speed, memory, bytes in staging",
    "history": "a year of detections within the daily budget: days, seconds of a run, beside the least possible",
    "history_backfill": "a backfill in a real Airflow beside live runs each minute: seconds, CPU, how long those wait",
    "big_ledger": "look-ups, delivery, compaction and size of a ledger of 10 000 000 detections, beside one of 10 000",
    "page_queries": "milliseconds of what the pages ask the ledger, at 1 000 to 1 000 000 detections",
    "page_times": "milliseconds of whole requests of the pages to a real Airflow, over ledgers of the same sizes",
    "airflow_run": "time, CPU and memory of a run in a real Airflow, beside a DAG of five tasks that do nothing",
    "fleet": "1 000 connectors in a real Airflow: parsing, speed, waits, CPU and memory, beside as many such DAGs",
}


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks, print the table, draw the plot; return 0 even if an aim is missed."""
    chosen = _read_arguments(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    measured = read_kept(chosen.kept) if chosen.kept else _measure(chosen, console)
    console.print(_make_table([row for rows in measured.values() for row in rows]))
    if chosen.plot:
        from benchmarks.plot import draw  # matplotlib takes a second and much memory

        draw(measured, chosen.plot)
        console.print(f"Plot: {chosen.plot}")
    return 0


def _measure(chosen: argparse.Namespace, console: Console) -> Measured:
    names = [name for name in BENCHMARKS if name in chosen.names or not chosen.names]
    measured: dict[str, list[Row]] = {}
    with console.status("benchmarks") as status:
        for name in names:
            rows = measured[name] = []
            try:
                rows += _run(name, console, status, quick=chosen.quick)  # keeps the rows that it yields before it fails
            except Exception:  # an error in one must not lose what the others measured
                console.print_exception()
                rows.append(Row(name, "failed: see above", "", "", aim="runs to its end", met=False))
            if chosen.json:
                keep(measured, chosen.json)
    return measured


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the project beside what people would do without it, in turns, and prints the ratios.",
        epilog="\n".join(f"{name}: {description}" for name, description in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repetitions")
    parser.add_argument("--plot", type=Path, metavar="PICTURE", help="draw the ratios into this file (.png, .svg)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep what was measured")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="kept", help="measure nothing, show what was kept")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    return chosen


def _run(name: str, console: Console, status: Status, *, quick: bool) -> Iterator[Row]:
    def say(sentence: str) -> None:
        status.update(f"{name}: {sentence}")
        if not console.is_terminal:
            console.print(f"{name}: {sentence}")

    began = time.monotonic()
    yield from import_module(f"benchmarks.{name}").run(Options(quick=quick, say=say))
    console.print(f"{name}: {time.monotonic() - began:.0f} s")


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
