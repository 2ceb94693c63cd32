"""`reconcile`: what the ledger calls accepted against what Recorded Future says it has stored."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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

#: Compared at a time: memory holds the detections of one slice.
SLICE = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """A detection on which ledger and API do not agree. `stored`: how often the API has it."""

    event_id: str
    indicator_type: str
    indicator: str
    state: str
    stored: int


@dataclass
class Differences:
    """Differences of one kind: all are counted, the first are listed."""

    limit: int
    count: int = 0
    listed: list[Difference] = field(default_factory=list)

    def add(self, found: Stored, state: str, stored: int) -> None:
        """Count a difference."""
        self.count += 1
        if len(self.listed) < self.limit:
            self.listed.append(Difference(found.event_id, found.indicator_type, found.indicator, state, stored))


@dataclass
class Comparison:
    """The figures. `unknown_found`: unknown here, stored there; `not_accepted_found`: in another state, yet stored;
    `foreign`: stored, but in no row of this ledger.
    """

    connector: str
    since: datetime
    until: datetime
    limit: int
    accepted: int = 0
    unknown: int = 0
    mended: int = 0
    missing: Differences = field(init=False)
    repeated: Differences = field(init=False)
    unknown_found: Differences = field(init=False)
    not_accepted_found: Differences = field(init=False)
    foreign: Differences = field(init=False)

    def __post_init__(self) -> None:
        for name in KINDS:
            setattr(self, name, Differences(self.limit))

    @property
    def agrees(self) -> bool:
        """Return whether nothing is left that somebody should look at."""
        return not any(getattr(self, name).count for name in KINDS) or (
            self.mended == self.unknown_found.count == sum(getattr(self, name).count for name in KINDS)
        )


KINDS = {
    "missing": "Accepted here, not found there",
    "repeated": "Stored more often than delivered",
    "unknown_found": "Unknown here, stored there",
    "not_accepted_found": "Not accepted here, yet stored there",
    "foreign": "Stored there, unknown to this ledger",
}


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Compare; 1 if a difference is left."""
    _, connector = load_one(options.connector)
    now = terminal.now()
    since = read_moment("--since", options.since, now)
    until = read_moment("--until", options.until, now)
    if since is None or until is None or since >= until:
        raise ConfigurationError("--until must be later than --since.")
    comparison = Comparison(connector.name, since, until, options.limit)
    with open_ledger(connector.ledger_conn_id) as connection:
        reconciliation = Reconciliation(connection, _open_client(connector), connector, comparison)
        reconciliation.compare(mend=options.mend)
    terminal.show(comparison, _draw(comparison))
    return 0 if comparison.agrees else 1


def _open_client(connector: Connector) -> Client:
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    return VendorHook(API, connector.destination_conn_id).get_client()


@dataclass
class Reconciliation:
    """Compares one connector, slice by slice."""

    connection: Connection
    client: Client
    connector: Connector
    comparison: Comparison

    def compare(self, *, mend: bool) -> None:
        """Fill the comparison; with `mend`, mark what is unknown and found as accepted."""
        deliveries = Deliveries(self.connection, self.connector.name, "reconcile", self.connector.destination_conn_id)
        if mend:
            deliveries.lock()
        for since, until in cut_slices(self.comparison.since, self.comparison.until):
            stored = find_stored(self.client, format_instant(since), format_instant(until - _MILLISECOND))
            if stored is None:
                raise CredentialsError(
                    f"The token of Connection {self.connector.destination_conn_id} may not search: ask Recorded "
                    "Future's support for the right to search Collective Insights."
                )
            found = self._compare_slice(list(read_detected(self.connection, since, until)), stored)
            if mend:
                only = [State.UNKNOWN, State.RESERVED]
                with deliveries.lease.transaction():
                    done = override(self.connection, found, State.ACCEPTED, "found by reconcile", only=only)
                self.comparison.mended += len(done)

    def _compare_slice(self, kept: Sequence[Kept], stored: Counter[Stored]) -> list[bytes]:
        """Return the keys of those that are unknown here and stored there."""
        expected = Counter(_what(each) for each in kept if self._is_here(each) and each.state is State.ACCEPTED)
        met = {_what(each) for each in kept}
        spare = stored - expected
        found = [key for each in kept if self._is_own(each) for key in self._judge(each, expected, stored, spare)]
        for what, count in stored.items():
            if what not in met:
                self.comparison.foreign.add(what, "none", count)
            elif spare[what] and expected[what]:
                self.comparison.repeated.add(what, "accepted", count)
        return found

    def _judge(
        self, each: Kept, expected: Counter[Stored], stored: Counter[Stored], spare: Counter[Stored]
    ) -> Iterator[bytes]:
        comparison, what, state = self.comparison, _what(each), each.state.name.lower()
        comparison.accepted += each.state is State.ACCEPTED
        comparison.unknown += each.state in (State.UNKNOWN, State.RESERVED)
        if each.state is State.ACCEPTED:
            if stored[what] < expected[what]:
                comparison.missing.add(what, state, stored[what])
        elif spare[what]:
            spare[what] -= 1
            if each.state in (State.UNKNOWN, State.RESERVED):
                comparison.unknown_found.add(what, state, stored[what])
                yield each.key
            else:
                comparison.not_accepted_found.add(what, state, stored[what])

    def _is_here(self, each: Kept) -> bool:
        return each.destination == self.connector.destination_conn_id

    def _is_own(self, each: Kept) -> bool:
        return each.connector == self.connector.name


def cut_slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the slices of [since, until)."""
    while since < until:
        end = min(since + SLICE, until)
        yield since, end
        since = end


def _what(each: Kept) -> Stored:
    return Stored(each.event_id, each.indicator_type, each.indicator)


def _draw(comparison: Comparison) -> Iterator[RenderableType]:
    rows: list[tuple[object, ...]] = [("Accepted by the ledger", comparison.accepted)]
    rows += [("Unknown to the ledger", comparison.unknown)]
    rows += [(title, getattr(comparison, name).count) for name, title in KINDS.items()]
    period = f"{show_value(comparison.since)} to {show_value(comparison.until)}"
    yield make_table(f"{comparison.connector}, {period}", ("", "detections"), [*rows, ("Mended", comparison.mended)])
    for name, title in KINDS.items():
        listed = getattr(comparison, name).listed
        if listed:
            columns = ("event", "indicator", "state here", "stored")
            rows = [(d.event_id, f"{d.indicator_type} {d.indicator}", d.state, d.stored) for d in listed]
            yield make_table(title, columns, rows)
    if comparison.missing.count:
        yield sentence(
            "What is missing may show later: how soon a search finds a submission is not documented.", "yellow"
        )
