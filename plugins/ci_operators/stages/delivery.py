"""Exact delivery: every detection is accepted once, despite retries, re-runs, kills, and parallel runs.

A batch is reserved in the ledger before its request leaves and settled after the answer. A batch that was reserved
when its task died, or that got no readable answer, is *unknown*. The search endpoint may know its outcome; otherwise
the connector's policy decides whether and how often it is sent again. After several unknown outcomes in a row, only
single detections are sent from time to time, until one is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ci_operators.ledger.batch import DeliveryState
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.settlement import close_arrived
from ci_operators.ledger.tables import State
from ci_operators.stages.account import MISMATCH, Rules
from ci_operators.stages.batch_sender import BatchSender
from ci_operators.stages.batches import RequestSize, cut_batches
from ci_operators.stages.delivery_report import DeliveryReport
from ci_operators.stages.flight import Flight
from ci_operators.stages.pump import SideArtifacts
from ci_operators.stages.read_ahead import read_ahead
from ci_operators.stages.run import StageResult
from ci_operators.staging.artifact import Artifact, read_artifact
from ci_operators.transport.client import Client

#: Batches looked up and planned at once: transactions are few and large, and memory is small.
BATCHES_PER_GROUP = 20

#: Returns the keys of the rows that the API has stored, or None if it cannot be decided.
LookUp = Callable[[Sequence[Row]], set[bytes] | None]
#: For a detection that is not in the ledger.
NEW = DeliveryState(State.PLANNED, None)


def deliver_once(
    client: Client,
    source: Artifact,
    directory: Any,
    rules: Rules,
    deliveries: Deliveries,
    look_up: LookUp,
    *,
    fly: Callable[[Client, Rules], Flight] = Flight,
) -> StageResult:
    """Deliver the detections of the artifact `source`, then those that waited for budget.

    Raises the errors of `recorded_future.api.submit` after they are in the ledger. The next try continues where
    this one stopped. fly: makes the requests.
    """
    deliveries.lock(rules.lock_patience_s)
    recovered = deliveries.recover()
    with SideArtifacts(directory, "submit") as side, fly(client, rules) as flight:
        report, size = DeliveryReport(side), RequestSize(rules.terms.batch_size)
        sender = BatchSender(client, flight, deliveries, rules, size, report, rules.allowed)
        delivery = Delivery(rules, deliveries, look_up, report, sender)
        delivery.take_all(read_artifact(source))
        report.tally.check_conservation("submit")
        delivery.take_waiting()
    close_arrived(deliveries.connection, deliveries.connector)
    report.account.add_run(deliveries.count_run())
    counted = {"counted_since": deliveries.since, "clear_number": deliveries.clear_number}
    counted |= {"told_before": True} if deliveries.is_told else {}
    extra = {**report.account.to_extra(), "unknown_from_earlier_tries": recovered, **counted}
    return StageResult(report.tally, side_artifacts=side.artifacts, extra=extra)


@dataclass
class Delivery:
    """Sends the detections that the ledger does not record as accepted."""

    rules: Rules
    deliveries: Deliveries
    look_up: LookUp
    report: DeliveryReport
    sender: BatchSender

    def take_all(self, chunks: Iterable[list[bytes]]) -> None:
        """Deliver all records of an artifact. While some are in flight, the next are looked up and planned."""
        with self.sender:
            for rows in read_ahead(self._read_groups(chunks)):
                self.report.tally.records_in += len(rows)
                self._take(rows)
            self.sender.finish()

    def take_waiting(self) -> None:
        """Deliver the waiting detections, oldest first, until none is left or the budget is spent."""
        late = self._for_waiting()
        size = self.rules.terms.batch_size * self.rules.parallel_requests
        with late.sender:
            while not late.report.waiting and (texts := self.deliveries.take_waiting(size)):
                rows = self._read(texts)
                late._take(rows, waiting=True)
                late.sender.finish()
                gone = [row for row in rows if row.key not in late.report.waiting]
                self.report.waiting -= {row.key for row in gone}
                self.deliveries.forget_waiting(gone)
        self.report.account.add_late(late.report.account, late.report.tally)
        self.report.account.waiting = len(self.report.waiting)

    def _read_groups(self, chunks: Iterable[list[bytes]]) -> Iterator[list[Row]]:
        for group in cut_batches(chunks, self.rules.terms.batch_size * BATCHES_PER_GROUP):
            yield self._read(group)

    def _read(self, texts: Iterable[bytes]) -> list[Row]:
        return [read_row(self.deliveries.connector, text) for text in texts]

    def _for_waiting(self) -> Delivery:
        report = DeliveryReport(self.report.side)
        return replace(
            self, report=report, sender=replace(self.sender, report=report, allowed=self.rules.allowed_for_waiting)
        )

    def _take(self, rows: list[Row], *, waiting: bool = False) -> None:
        known = self.deliveries.find(rows)
        fresh, unknown = self._sort(rows, known, waiting=waiting)
        again = self._resolve(unknown, known)
        size = self.sender.size
        planned = self.deliveries.plan(size.cut(fresh), known) if fresh else []
        for resends, group in again.items():
            planned += self.deliveries.plan(size.cut(group), known, resends=resends)
        self.sender.send(planned)

    def _sort(
        self, rows: list[Row], known: dict[bytes, DeliveryState], *, waiting: bool
    ) -> tuple[list[Row], list[Row]]:
        """Return the rows to send and those whose outcome is unknown; count the others."""
        fresh: dict[bytes, Row] = {}
        unknown: dict[bytes, Row] = {}
        refused: dict[bytes, Row] = {}
        sent, met = self.sender.find_in_flight(), self.report.met
        for row in rows:
            found = known.get(row.key, NEW)
            if row.key in sent or row.key in met or row.key in fresh or row.key in unknown or row.key in refused:
                self.report.drop("duplicate", row)
            elif found.state is State.ACCEPTED:
                self._count_arrived(row, found)
            elif found.state is State.REJECTED:
                refused[row.key] = row
            elif found.state is State.WAITING and not waiting:
                self.report.count_waiting([row])
            elif found.state in (State.UNKNOWN, State.RESERVED):
                unknown[row.key] = row
            else:
                fresh[row.key] = row
        self._keep("rejected_by_api", list(refused.values()), {key: known[key].note or "" for key in refused})
        return list(fresh.values()), list(unknown.values())

    def _count_arrived(self, row: Row, found: DeliveryState) -> None:
        """Count a detection that the API has: sent by this run, in this or an earlier try, or by another run."""
        if found.by_try:
            self.report.drop("duplicate", row)
        elif found.by_run:
            self.report.met.add(row.key)
            self.report.count_accepted(1)
        else:
            self.report.drop("already_accepted", row)

    def _resolve(self, rows: list[Row], known: dict[bytes, DeliveryState]) -> dict[int, list[Row]]:
        """Return the unknown rows to send again, by their number of resends."""
        if not rows:
            return {}
        stored = self._look_up(rows)
        if stored:
            self.deliveries.confirm(list(stored))
        self.report.account.found_by_search += len(stored)
        again, held = dict[int, list[Row]](), dict[bytes, str]()
        for row in rows:
            found = known[row.key]
            if row.key in stored:
                self._count_arrived(row, found)
            elif self._is_held(found):
                held[row.key] = found.note or ""
            else:
                again.setdefault(found.resends + 1, []).append(row)
        self._keep("outcome_unknown", [row for row in rows if row.key in held], held)
        return again

    def _is_held(self, found: DeliveryState) -> bool:
        is_spent = self.rules.unknown_policy == "hold" or found.resends >= self.rules.unknown_resends
        return is_spent or found.note == MISMATCH

    def _keep(self, issue: str, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        if rows:
            self.deliveries.keep(issue, rows, messages)
        for row in rows:
            self.report.quarantine(issue, row, messages[row.key])

    def _look_up(self, rows: list[Row]) -> set[bytes]:
        found = self.look_up(rows)
        if found is None:
            self.report.account.search_could_not_tell += len(rows)
            return set()
        return found
