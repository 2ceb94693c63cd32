"""`status`: how each connector stands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from ci_operators.answers.connector.health import Standing, find_orphans, find_remarks, find_standings
from ci_operators.answers.ledgers import NoLedgerError
from ci_operators.commands.selection import choose_connectors
from ci_operators.commands.terminal import Terminal, make_table, sentence, show_span
from ci_operators.connectors_file import load_connectors

_STANDING = ("connector", "mode", "delivered until", "lag", "unknown", "rejected", "waiting", "quarantined", "budget")
_COUNTS = ("connector", "period", "events in", "dropped", "arrived before", "quarantined", "accepted", "sent again")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Show the connectors; 1 if one of them needs somebody, 2 if no ledger can be read."""
    found = load_connectors()
    chosen = choose_connectors(found, options.connectors)
    standings = find_standings(found, chosen, terminal.now())
    live = [standing for standing in standings if not standing.debug]
    if live and all(standing.problem for standing in live):
        raise NoLedgerError(live[0].problem)
    standings += [] if options.connectors else find_orphans(found)
    terminal.show(standings, _draw(standings))
    return 1 if any(standing.needs_somebody for standing in standings) else 0


def _draw(standings: Sequence[Standing]) -> Iterator[RenderableType]:
    told = [standing for standing in standings if not standing.problem]
    yield make_table("Connectors", _STANDING, map(_row, told))
    known = [standing for standing in told if not standing.gone]
    yield make_table("Counts", _COUNTS, (row for standing in known for row in _count_rows(standing)))
    for standing in standings:
        for text in find_remarks(standing):
            yield sentence(f"{standing.connector}: {text}", "red" if standing.needs_somebody else "yellow")


def _row(standing: Standing) -> tuple[object, ...]:
    last, budget = standing.last_window, standing.budget
    return (
        standing.connector,
        "gone" if standing.gone else "debug" if standing.debug else "live",
        last.until if last else "" if standing.debug or standing.gone else "no window yet",
        "" if standing.lag_s is None else show_span(standing.lag_s) + (", behind" if standing.behind else ""),
        standing.unknown,
        standing.rejected,
        standing.waiting,
        standing.quarantined,
        f"{budget.spent} of {budget.limit} ({budget.reserved_for_live} for scheduled runs)" if budget else "",
    )


def _count_rows(standing: Standing) -> Iterator[tuple[object, ...]]:
    for period, counts in (("today", standing.today), ("7 days", standing.last_7_days)):
        came = (counts.events, counts.dropped, counts.arrived_before, counts.quarantined)
        yield standing.connector if period == "today" else "", period, *came, counts.accepted, counts.resent
