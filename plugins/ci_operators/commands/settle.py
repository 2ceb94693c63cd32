"""`settle`: a person decides whether detections with an unknown outcome have arrived."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import RenderableType
from sqlalchemy import Connection

from ci_operators.answers.ledgers import open_ledger
from ci_operators.commands.selection import load_one
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.core.connector import Connector
from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger import overview
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.lease import Lease
from ci_operators.ledger.quarantined import Entry, Wanted, close_entries, read_pages
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.settlement import DetectionState, find_named, find_unknown, override, queue
from ci_operators.ledger.tables import State

#: The most detections in one transaction, and the most that are listed.
CHUNK = 500
LISTED = 200


@dataclass(frozen=True, slots=True)
class Settled:
    """A detection that was settled. became: accepted, planned or waiting."""

    key: str
    event_id: str
    indicator_type: str
    indicator: str
    became: str


@dataclass
class Report:
    """The result: what was settled, and a sentence for each name that matched nothing to settle."""

    accepted: int = 0
    planned: int = 0
    waiting: int = 0
    detections: list[Settled] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Settle the named detections. Return 1 if a name matched nothing to settle."""
    if bool(options.names) == options.everything:
        raise ConfigurationError("Specify the detections by key or event id, or use --all.")
    _, connector = load_one(options.connector)
    report = Report()
    with open_ledger(connector.ledger_conn_id) as connection:
        number = overview.find_id(connection, connector.name)
        if number is not None:
            open_settlement(connection, connector, report, resend=options.resend).settle(options.names)
        elif options.names:
            report.problems.append(f"The ledger has no records of {connector.name}.")
    terminal.show(report, _draw(report))
    return 1 if report.problems else 0


def open_settlement(connection: Connection, connector: Connector, report: Report, *, resend: bool) -> Settlement:
    """Lock the connector, and return its settlement. What a dead run left in flight becomes unknown."""
    deliveries = Deliveries(connection, connector.name, "settle", connector.destination_conn_id).lock()
    deliveries.recover()
    return Settlement(deliveries.lease, connector, report, resend)


@dataclass
class Settlement:
    """Settles detections of one connector while no run submits for it. resend: whether to send them again."""

    lease: Lease
    connector: Connector
    report: Report
    resend: bool

    def settle(self, names: Sequence[str]) -> None:
        """Settle the named detections, or all unknown ones if none is named."""
        connection, number = self.lease.connection, self.lease.number
        only = [State.UNKNOWN, State.REJECTED] if self.resend else [State.UNKNOWN]
        for name in names:
            found = find_named(connection, self.connector.name, number, name)
            if not self._settle([each for each in found if each.state in only], only):
                states = ", ".join(sorted({each.state.name.lower() for each in found}))
                what = f"is {states}, not unknown" if states else "does not match a detection of the connector"
                self.report.problems.append(f"{name} {what}.")
        if not names:
            while self._settle(find_unknown(connection, number, CHUNK), [State.UNKNOWN]):
                pass

    def _settle(self, chosen: Sequence[DetectionState], only: Sequence[State]) -> bool:
        """Settle those of the detections that are still in one of the states; return whether any were given."""
        kept = self._find_kept(chosen)
        note = "settled by hand: send again" if self.resend else "settled by hand: accepted"
        # A rejected detection is not sent unchanged: the next run that reads its window maps it again.
        here = [each for each in chosen if self.resend and each.key in kept and each.state is State.UNKNOWN]
        with self.lease.transaction():
            queue(self.lease.connection, self.lease.number, [kept[each.key][0] for each in here])
            self._override(here, State.WAITING, note, only)
            state = State.PLANNED if self.resend else State.ACCEPTED
            self._override([each for each in chosen if each not in here], state, note, only)
            close_entries(self.lease.connection, [entry.id for _, entry in kept.values()], note)
        return bool(chosen)

    def _override(self, chosen: Sequence[DetectionState], state: State, note: str, only: Sequence[State]) -> None:
        done = override(self.lease.connection, [each.key for each in chosen], state, note, only=only)
        became = state.name.lower()
        setattr(self.report, became, getattr(self.report, became) + len(done))
        self.report.detections += [
            Settled(each.key.hex(), each.event_id, each.indicator_type, each.indicator, became)
            for each in chosen[: LISTED - len(self.report.detections)]
        ]

    def _find_kept(self, chosen: Sequence[DetectionState]) -> dict[bytes, tuple[Row, Entry]]:
        """Return the detections that submit quarantined, with their entries, by key."""
        keys, kept = {each.key for each in chosen}, dict[bytes, tuple[Row, Entry]]()
        for event_id in dict.fromkeys(each.event_id for each in chosen):
            wanted = Wanted([self.connector.name], stage="submit", event_id=event_id, settled_too=True)
            for entry in (entry for page in read_pages(self.lease.connection, wanted) for entry in page):
                row = read_row(self.connector.name, entry.record)
                if row.key in keys:
                    kept[row.key] = (row, entry)
        return kept


def _draw(report: Report) -> Iterator[RenderableType]:
    rows = [(d.event_id, f"{d.indicator_type} {d.indicator}", d.became, d.key) for d in report.detections]
    yield make_table("Settled", ("event", "indicator", "became", "key"), rows)
    yield sentence(
        f"{report.accepted} accepted; {report.waiting} will be sent by the connector's next run; {report.planned} "
        "will be sent by the next run that reads their window."
    )
    for problem in report.problems:
        yield sentence(problem, "red")
