"""`reconcile`: compares what the ledger has as accepted with what Recorded Future has stored."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rich.console import RenderableType
from sqlalchemy import Connection

from ci_operators.answers.ledgers import open_ledger
from ci_operators.commands.selection import load_one, read_moment
from ci_operators.commands.terminal import Terminal, make_table, sentence, show_value
from ci_operators.core.connector import Connector
from ci_operators.core.errors import ConfigurationError, CredentialsError
from ci_operators.core.instant import format_instant
from ci_operators.ledger.comparison import Kept, read_detected
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.settlement import override
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import API
from ci_operators.recorded_future.search import Stored, find_stored
from ci_operators.transport.client import Client

#: The time range that is compared at once: the detections of one slice are in memory.
SLICE = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
#: States in which it is not known whether Recorded Future has a detection.
_OPEN = (State.UNKNOWN, State.RESERVED)
#: Kinds of differences. A stored detection that the ledger does not have as accepted is "unknown_found" if its state is
#: one of _OPEN.
KINDS = {
    "missing": "Accepted here, not found there",
    "repeated": "Stored more often than delivered",
    "unknown_found": "Unknown here, stored there",
    "not_accepted_found": "Not accepted here, but stored there",
    "foreign": "Stored there, unknown to this ledger",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A detection on which ledger and API do not agree. stored: how often the API has it."""

    event_id: str
    indicator_type: str
    indicator: str
    state: str
    stored: int


@dataclass
class Differences:
    """Differences of one kind: the number of all, and a list of the first ones."""

    limit: int
    count: int = 0
    listed: list[Difference] = field(default_factory=list)

    def add(self, found: Stored, state: str, stored: int) -> None:
        """Count a difference."""
        self.count += 1
        if len(self.listed) < self.limit:
            self.listed.append(Difference(found.event_id, found.indicator_type, found.indicator, state, stored))


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Compare, and show the differences. Return 1 if there is one that was not fixed."""
    _, connector = load_one(options.connector)
    now = terminal.now()
    since = read_moment("--since", options.since, now)
    until = read_moment("--until", options.until, now)
    if since is None or until is None or since >= until:
        raise ConfigurationError("--until must be later than --since.")
    found = Reconciliation(connector, since, until, options.limit)
    with open_ledger(connector.ledger_conn_id) as connection:
        found.compare(connection, _open_client(connector), mend=options.mend)
    terminal.show(found.tell(), _draw(found))
    return 0 if found.agrees else 1


def _open_client(connector: Connector) -> Client:
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    return VendorHook(API, connector.destination_conn_id).get_client()


@dataclass
class Reconciliation:
    """Compares the detections of one connector in a time range, slice by slice. differences: by kind.

    accepted, unknown: counts in the ledger; mended: unknown ones that were found and are now marked as accepted.
    """

    connector: Connector
    since: datetime
    until: datetime
    limit: int
    accepted: int = 0
    unknown: int = 0
    mended: int = 0
    differences: dict[str, Differences] = field(init=False)

    def __post_init__(self) -> None:
        self.differences = {kind: Differences(self.limit) for kind in KINDS}

    @property
    def agrees(self) -> bool:
        """Return whether there is no difference, apart from those that were fixed."""
        every = sum(each.count for each in self.differences.values())
        return every == self.differences["unknown_found"].count == self.mended

    def tell(self) -> dict[str, Any]:
        """Return the result as one JSON document."""
        figures = {name: getattr(self, name) for name in ("since", "until", "limit", "accepted", "unknown", "mended")}
        return {"connector": self.connector.name, **figures, **self.differences}

    def compare(self, connection: Connection, client: Client, *, mend: bool) -> None:
        """Compare; with `mend`, mark unknown detections that are stored as accepted."""
        destination = self.connector.destination_conn_id
        deliveries = Deliveries(connection, self.connector.name, "reconcile", destination)
        if mend:
            deliveries.lock()
        for since, until in cut_slices(self.since, self.until):
            stored = find_stored(client, format_instant(since), format_instant(until - _MILLISECOND))
            if stored is None:
                raise CredentialsError(
                    f"The token of Connection {destination} has no right to search. Ask Recorded Future's "
                    "support for the right to search Collective Insights."
                )
            found = self._compare_slice(list(read_detected(connection, since, until)), stored)
            if mend:
                with deliveries.lease.transaction():
                    done = override(connection, found, State.ACCEPTED, "found by reconcile", only=_OPEN)
                self.mended += len(done)

    def _compare_slice(self, kept: Sequence[Kept], stored: Counter[Stored]) -> list[bytes]:
        """Compare one slice; return the keys of the detections that are unknown here and stored there."""
        here = [each for each in kept if each.destination == self.connector.destination_conn_id]
        expected = Counter(_what(each) for each in here if each.state is State.ACCEPTED)
        spare = stored - expected
        own = [each for each in kept if each.connector == self.connector.name]
        found = [key for each in own for key in self._judge(each, expected, stored, spare)]
        met = {_what(each) for each in kept}
        for what, count in stored.items():
            if what not in met:
                self.differences["foreign"].add(what, "none", count)
            elif spare[what] and expected[what]:
                self.differences["repeated"].add(what, "accepted", count)
        return found

    def _judge(
        self, each: Kept, expected: Counter[Stored], stored: Counter[Stored], spare: Counter[Stored]
    ) -> Iterator[bytes]:
        what, is_open = _what(each), each.state in _OPEN
        self.accepted += each.state is State.ACCEPTED
        self.unknown += is_open
        kind = ""
        if each.state is State.ACCEPTED:
            kind = "missing" if stored[what] < expected[what] else ""
        elif spare[what]:
            spare[what] -= 1
            kind = "unknown_found" if is_open else "not_accepted_found"
        if kind:
            self.differences[kind].add(what, each.state.name.lower(), stored[what])
        if kind == "unknown_found":
            yield each.key


def cut_slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the slices of [since, until)."""
    while since < until:
        end = min(since + SLICE, until)
        yield since, end
        since = end


def _what(each: Kept) -> Stored:
    return Stored(each.event_id, each.indicator_type, each.indicator)


def _draw(found: Reconciliation) -> Iterator[RenderableType]:
    counts = [(title, found.differences[kind].count) for kind, title in KINDS.items()]
    rows = [("Accepted by the ledger", found.accepted), ("Unknown to the ledger", found.unknown), *counts]
    period = f"{show_value(found.since)} to {show_value(found.until)}"
    yield make_table(f"{found.connector.name}, {period}", ("", "detections"), [*rows, ("Fixed", found.mended)])
    columns = ("event", "indicator", "state here", "stored")
    for kind, title in KINDS.items():
        listed = [
            (each.event_id, f"{each.indicator_type} {each.indicator}", each.state, each.stored)
            for each in found.differences[kind].listed
        ]
        if listed:
            yield make_table(title, columns, listed)
    if found.differences["missing"].count:
        yield sentence(
            "What is missing may appear later: it is not documented how soon the search finds a submission.", "yellow"
        )
