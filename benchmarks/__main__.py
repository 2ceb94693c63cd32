"""`make bench`, or `python -m benchmarks [NAME ...] [--quick]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks import airflow_run, parse, pipeline
from benchmarks.row import Options, Row

BENCHMARKS: dict[str, Callable[[Options], Iterator[Row]]] = {
    "pipeline": pipeline.run,
    "parse": parse.run,
    "airflow_run": airflow_run.run,
}
_DOCS = {"pipeline": pipeline.__doc__, "parse": parse.__doc__, "airflow_run": airflow_run.__doc__}


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks, print the table; the status is 0 whether aims are met or not."""
    chosen = _read_arguments(arguments)
    console = Console()
    rows: list[Row] = []
    for name in chosen.names or BENCHMARKS:
        with console.status(name) as status:

            def say(sentence: str, name: str = name) -> None:
                status.update(f"{name}: {sentence}")  # noqa: B023 - called before the next one begins
                if not console.is_terminal:
                    console.print(f"{name}: {sentence}")

            rows.extend(BENCHMARKS[name](Options(quick=chosen.quick, say=say)))
    console.print(_make_table(rows))
    return 0


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the project beside what people would do without it, in turns, and prints the ratios.",
        epilog="\n".join(f"{name}: {(doc or '').splitlines()[0]}" for name, doc in _DOCS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repetitions")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    return chosen


def _make_table(rows: Sequence[Row]) -> Table:
    table = Table(caption="Medians of measurements taken in turns; ratio: project / beside.")
    for heading in ("What", "Case"):
        table.add_column(heading)
    for heading in ("Project", "Beside", "Ratio"):
        table.add_column(heading, justify="right")
    table.add_column("Aim")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
        colour = {True: "green", False: "red", None: ""}[row.met]
        word = {True: "met", False: "missed", None: ""}[row.met]
        aim = f"[{colour}]{row.aim}: {word}[/]" if colour else row.aim
        table.add_row(row.benchmark, row.case, row.project, row.beside, ratio, aim)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
