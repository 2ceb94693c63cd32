"""What the person reads: the table, the verdict, where to look and how to log in."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.settings import CONNECTORS, FOLDER, STAGES, Connector
from demo.tally import Run, find_faults, sum_stage

#: Where the demo is best looked at.
PAGE: Final = "/plugin/collective-insights"
_PLAIN_WIDTH = 120


def make_console() -> Console:
    """Returns a console for standard output; wide enough for the table where there is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, _PLAIN_WIDTH))


def print_report(console: Console, runs: Sequence[Run], stored: Mapping[str, int]) -> bool:
    """Print the table and the verdict; returns whether every run succeeded and the counts add up."""
    console.print()
    console.print(_make_table(runs))
    for connector in CONNECTORS:
        held = stored.get(connector.source_type, 0)
        console.print(f"  Stored by the API for {connector.name}: [bold]{held}[/] detections")
    faults = find_faults(runs, stored)
    for fault in faults:
        console.print(f"  [red]{escape(fault)}")
    if faults:
        console.print("  [bold red]The counts do not add up, or a run did not succeed.")
    else:
        console.print("  [bold green]Every run succeeded and the counts add up: every event is accounted for.")
    return not faults


def print_address(console: Console, url: str, user: str, password: str) -> None:
    """Print where the UI is and what can be done next."""
    console.print()
    console.print(f"  Open:     [bold]{url}{PAGE}[/]")
    console.print(f"            login: [bold]{user}[/]   password: [bold]{escape(password)}")
    console.print(f"  Logs:     {escape(str(FOLDER / 'logs'))}")
    console.print("  Ctrl-C ends it; `make demo` goes on where it stopped; `make clean` forgets.")
    console.print()


def open_page(console: Console, url: str, environment: Mapping[str, str]) -> bool:
    """Open the page in the person's browser and return whether one came up: only from a terminal on a desktop."""
    has_desktop = sys.platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    return console.is_terminal and has_desktop and webbrowser.open(f"{url}{PAGE}")


def print_run(console: Console, run: Run, now: datetime) -> None:
    """Print one line about a run that has just finished."""
    taken, sent = (run.counts_of(STAGES[0]), run.counts_of(STAGES[-1]))
    color = "green" if run.state == "success" else "red"
    console.print(
        f"  {now:%H:%M:%S}  {run.connector.name:<12} [{color}]{run.state}[/]  "
        f"{taken.records_in if taken else 0} events in, "
        f"{sent.records_out if sent else 0} detections accepted, "
        f"{run.duration_s:.1f} s  ({escape(run.run_id)})"
    )
    for stage in run.stages:
        if stage.state == "failed":
            console.print(f"            [red]{stage.name}: {escape(stage.error)}")


def _make_table(runs: Sequence[Run]) -> Table:
    table = Table(title=None)
    for name, justify in (("connector", "left"), ("stage", "left"), ("in", "right"), ("out", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    table.add_column("dropped")
    table.add_column("quarantined")
    table.add_column("seconds", justify="right")
    for connector in CONNECTORS:
        own = [run for run in runs if run.connector == connector]
        for stage in STAGES:
            table.add_row(*_make_row(connector, stage, own), end_section=stage == STAGES[-1])
    return table


def _make_row(connector: Connector, stage: str, runs: Sequence[Run]) -> tuple[str, ...]:
    name = ""
    if stage == STAGES[0]:
        name = f"{connector.name} ({len(runs)} {'run' if len(runs) == 1 else 'runs'})"
    counts = sum_stage(runs, stage)
    if counts is None:
        states = dict.fromkeys(found.state for run in runs for found in run.stages if found.name == stage)
        return (name, stage, "-", "-", ", ".join(states) or "not run", "", "")
    reasons = (_list_reasons(counts.dropped), _list_reasons(counts.quarantined))
    return (
        name,
        stage,
        str(counts.records_in),
        str(counts.records_out),
        *reasons,
        f"{counts.duration_s:.2f}",
    )


def _list_reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{count} {escape(reason)}" for reason, count in ordered) or "0"
