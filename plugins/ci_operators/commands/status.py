"""`status`: shows the health of each connector."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from ci_operators.answers.connector.health import ConnectorHealth, find_health, find_orphans, find_remarks
from ci_operators.answers.ledgers import NoLedgerError
from ci_operators.commands.selection import choose_connectors
from ci_operators.commands.terminal import Terminal, make_table, sentence, show_span
from ci_operators.connectors_file import load_connectors

_HEALTH = ("connector", "mode", "delivered until", "lag", "unknown", "rejected", "waiting", "quarantined", "budget")
_COUNTS = ("connector", "period", "events in", "dropped", "arrived before", "quarantined", "accepted", "sent again")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Show the connectors. Return 1 if one needs a person. Raises NoLedgerError if no ledger can be read."""
    found = load_connectors()
    chosen = choose_connectors(found, options.connectors)
    shown = find_health(found, chosen, terminal.now())
    live = [health for health in shown if not health.debug]
    if live and all(health.problem for health in live):
        raise NoLedgerError(live[0].problem)
    shown += [] if options.connectors else find_orphans(found)
    terminal.show(shown, _draw(shown))
    return 1 if any(health.needs_somebody for health in shown) else 0


def _draw(shown: Sequence[ConnectorHealth]) -> Iterator[RenderableType]:
    readable = [health for health in shown if not health.problem]
    yield make_table("Connectors", _HEALTH, map(_row, readable))
    in_file = [health for health in readable if not health.gone]
    yield make_table("Counts", _COUNTS, (row for health in in_file for row in _count_rows(health)))
    for health in shown:
        for text in find_remarks(health):
            yield sentence(f"{health.connector}: {text}", "red" if health.needs_somebody else "yellow")


def _row(health: ConnectorHealth) -> tuple[object, ...]:
    last, budget = health.last_window, health.budget
    return (
        health.connector,
        "gone" if health.gone else "debug" if health.debug else "live",
        last.until if last else "" if health.debug or health.gone else "no window yet",
        "" if health.lag_s is None else show_span(health.lag_s) + (", behind" if health.behind else ""),
        health.unknown,
        health.rejected,
        health.waiting,
        health.quarantined,
        f"{budget.spent} of {budget.limit} ({budget.reserved_for_live} for scheduled runs)" if budget else "",
    )


def _count_rows(health: ConnectorHealth) -> Iterator[tuple[object, ...]]:
    for period, counts in (("today", health.today), ("7 days", health.last_7_days)):
        came = (counts.events, counts.dropped, counts.arrived_before, counts.quarantined)
        yield health.connector if period == "today" else "", period, *came, counts.accepted, counts.resent
