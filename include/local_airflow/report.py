"""What the user reads: steps and their seconds, the table, the result, the address, and the login."""

from __future__ import annotations

import sys
import time
import webbrowser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ci_operators.core.tally import STAGES
from local_airflow.runs import CONNECTORS, Run, count_stored, find_faults
from local_airflow.settings import FOLDER

#: The page to open first.
PAGE: Final = "/plugin/collective-insights"
_PLAIN_WIDTH: Final = 120


def make_console() -> Console:
    """Return a console for standard output, wide enough for the table if it is not a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, _PLAIN_WIDTH))


@contextmanager
def shown_step(console: Console, name: str) -> Iterator[Callable[[str], None]]:
    """Show one step, which ends in a line with its seconds. Only a terminal shows the details beside it."""
    started, word = time.monotonic(), "[red]failed"
    if not console.is_terminal:
        console.print(f"  {name} ...")
    try:
        with console.status(f"{name} ...", spinner="line") as status:
            yield lambda detail: status.update(f"{name}: {escape(detail)}")
        word = "[green]done"
    except KeyboardInterrupt:
        word = "[yellow]stopped"
        raise
    finally:
        console.print(f"  {name:<48}{word}[/] {time.monotonic() - started:6.1f} s")


def print_report(console: Console, runs: Sequence[Run], stored: Mapping[str, int]) -> bool:
    """Print the table and the result; return whether every run succeeded and the counts add up."""
    console.print()
    console.print(_make_table(runs))
    for name in CONNECTORS:
        console.print(f"  Stored by the API for {name}: [bold]{count_stored(name, stored)}[/] detections")
    faults = find_faults(runs, stored)
    for fault in faults:
        console.print(f"  [red]{escape(fault)}")
    if faults:
        console.print("  [bold red]The counts do not add up, or a run did not succeed.")
    else:
        console.print("  [bold green]Every run succeeded and the counts add up: every event is accounted for.")
    return not faults


def print_address(console: Console, url: str, user: str, password: str) -> None:
    """Print the address of the UI and what to do next."""
    console.print()
    console.print(f"  Open:     [bold]{url}{PAGE}[/]")
    console.print(f"            login: [bold]{user}[/]   password: [bold]{escape(password)}")
    console.print(f"  Logs:     {escape(str(FOLDER / 'logs'))}")
    console.print("  Ctrl-C stops it. `make demo` continues where it stopped. `make clean` deletes its data.")
    console.print()


def open_page(console: Console, url: str, environment: Mapping[str, str]) -> bool:
    """Open the page in the user's browser, only from a terminal on a desktop; return whether a browser opened."""
    has_desktop = sys.platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    return console.is_terminal and has_desktop and webbrowser.open(f"{url}{PAGE}")


def print_run(console: Console, run: Run) -> None:
    """Print one line about a run that has just finished."""
    color = "green" if run.state == "success" else "red"
    console.print(
        f"  {datetime.now().astimezone():%H:%M:%S}  {run.connector:<12} [{color}]{run.state}[/]  "
        f"{run.tally(STAGES[0]).records_in} events in, {run.tally(STAGES[-1]).records_out} detections accepted, "
        f"{run.duration_s:.1f} s  ({escape(run.run_id)})"
    )
    for stage in run.stages.values():
        if stage.error:
            console.print(f"            [red]{stage.name}: {escape(stage.error)}")


def _make_table(runs: Sequence[Run]) -> Table:
    table = Table("connector", "stage", "in", "added", "out", "dropped", "quarantined", "seconds")
    for column in (2, 3, 4, 7):
        table.columns[column].justify = "right"
    for connector in CONNECTORS:
        own = [run for run in runs if run.connector == connector]
        names = [f"{connector} ({len(own)} {'run' if len(own) == 1 else 'runs'})", "", "", "", ""]
        for name, stage in zip(names, STAGES, strict=True):
            table.add_row(name, stage, *_make_cells(stage, own), end_section=stage == STAGES[-1])
    return table


def _make_cells(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    stages = [run.stages[name] for run in runs if name in run.stages]
    counted = [stage for stage in stages if stage.manifest]
    if not counted:
        return ("-", "-", "-", ", ".join(dict.fromkeys(stage.state for stage in stages)) or "not run")
    return (
        str(sum(stage.tally.records_in for stage in counted)),
        str(sum(stage.tally.added for stage in counted)),
        str(sum(stage.tally.records_out for stage in counted)),
        _list_reasons(sum((stage.tally.dropped for stage in counted), Counter())),
        _list_reasons(sum((stage.tally.quarantined for stage in counted), Counter())),
        f"{sum(stage.manifest.duration_s or 0.0 for stage in counted if stage.manifest):.2f}",
    )


def _list_reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{count} {escape(reason)}" for reason, count in ordered) or "0"
