"""Exact delivery: every detection accepted once, over retries, re-runs, kills and two runs at once.

A batch is reserved in the ledger before its request leaves and settled after the answer. What was reserved
when a task died, or got no readable answer, is *unknown*: the search endpoint may know; else the connector's
policy says whether it is sent again, and how often. When one outcome after the other is unknown, nothing more is sent
but a single detection now and then, until one is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ci_operators.core.errors import (
    AccountingError,
    CollectiveInsightsError,
    DailyLimitError,
    RequestRefusedError,
    UnknownOutcomeError,
)
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.deliveries import Batch, Deliveries, DeliveryState
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.settlement import close_arrived
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import Receipt, submit_named
from ci_operators.stages.account import MISMATCH, Account, Rules
from ci_operators.stages.batches import RequestSize, cut_batches, make_live_submission
from ci_operators.stages.pump import SideArtifacts
from ci_operators.stages.refusals import find_refused
from ci_operators.stages.run import StageResult
from ci_operators.staging.artifact import Artifact, read_artifact
from ci_operators.transport.client import Client

#: Batches looked up and planned at once: few and large transactions, and little memory.
BATCHES_PER_GROUP = 20

#: Gives the keys of those rows that the API has stored, None if nobody can tell.
LookUp = Callable[[Sequence[Row]], set[bytes] | None]
#: Of a detection that the ledger has not met.
NEW = DeliveryState(State.PLANNED, None)


def deliver_once(
    client: Client, source: Artifact, directory: Any, rules: Rules, deliveries: Deliveries, look_up: LookUp
) -> StageResult:
    """Deliver the detections of the artifact `source`, then those that waited for budget.

    Raises the errors of `recorded_future.api.submit` once the ledger knows of them; another try goes on
    where this one stopped.
    """
    deliveries.lock(rules.lock_patience_s)
    recovered = deliveries.recover()
    tally = Tally()
    with SideArtifacts(directory, "submit") as side:
        size = RequestSize(rules.terms.batch_size)
        sender = DeliverySender(client, rules, deliveries, look_up, tally, side, size)
        sender.take_all(read_artifact(source))
        tally.check_conservation("submit")
        sender.take_waiting()
    close_arrived(deliveries.connection, deliveries.connector)
    sender.account.add_run(deliveries.count_run())
    counted = {"counted_since": deliveries.since, "clear_number": deliveries.clear_number}
    counted |= {"told_before": True} if deliveries.is_told else {}
    extra = {**sender.account.to_extra(), "unknown_from_earlier_tries": recovered, **counted}
    return StageResult(tally, side_artifacts=side.artifacts, extra=extra)


@dataclass
class DeliverySender:
    """Sends what the ledger does not know as accepted."""

    client: Client
    rules: Rules
    deliveries: Deliveries
    look_up: LookUp
    tally: Tally
    side: SideArtifacts
    size: RequestSize
    account: Account = field(default_factory=Account)
    _waiting: set[bytes] = field(default_factory=set)  # keys of those that were put off, or wait since before
    _met: set[bytes] = field(default_factory=set)  # keys of all but those that the API accepts in this very try
    _answered: Batch | None = None  # accepted by the API; the ledger learns of it with the next reservation

    def take_all(self, chunks: Iterable[list[bytes]]) -> None:
        """Deliver all records of an artifact."""
        try:
            for group in cut_batches(chunks, self.rules.terms.batch_size * BATCHES_PER_GROUP):
                self.tally.records_in += len(group)
                self._take([read_row(self.deliveries.connector, text) for text in group], self.rules.allowed)
        finally:
            self._settle_answered()

    def take_waiting(self) -> None:
        """Deliver what waited for budget, the oldest first, until there is no more of either."""
        late = replace(self, tally=Tally(), account=Account(), _waiting=set(), _met=set())
        try:
            while not late._waiting and (texts := self.deliveries.take_waiting(self.rules.terms.batch_size)):
                rows = [read_row(self.deliveries.connector, text) for text in texts]
                late._take(rows, self.rules.allowed_for_waiting, waiting=True)
                late._settle_answered()
                self._waiting -= {row.key for row in rows} - late._waiting
                if not late._waiting:
                    self.deliveries.forget_waiting(rows)
        finally:
            late._settle_answered()
        self.account.add_late(late.account, late.tally)
        self.account.waiting = len(self._waiting)

    def _take(self, rows: list[Row], allowed: int, *, waiting: bool = False) -> None:
        self._settle_answered()
        known = self.deliveries.find(rows)
        fresh, unknown = self._sort(rows, known, waiting=waiting)
        again = self._resolve(unknown, known)
        planned = self.deliveries.plan(self.size.cut(fresh), known) if fresh else []
        for resends, group in again.items():
            planned += self.deliveries.plan(self.size.cut(group), known, resends=resends)
        for batch in planned:
            self._send(batch, allowed)

    def _sort(
        self, rows: list[Row], known: dict[bytes, DeliveryState], *, waiting: bool
    ) -> tuple[list[Row], list[Row]]:
        """Return the rows to send and those whose outcome is unknown; count the others."""
        fresh: dict[bytes, Row] = {}
        unknown: dict[bytes, Row] = {}
        refused: dict[bytes, Row] = {}
        for row in rows:
            found = known.get(row.key, NEW)
            if row.key in self._met or any(row.key in each for each in (fresh, unknown, refused)):
                self._drop("duplicate", row)
            elif found.state is State.ACCEPTED:
                self._count_arrived(row, found)
            elif found.state is State.REJECTED:
                refused[row.key] = row
            elif found.state is State.WAITING and not waiting:
                self._count_waiting([row])
            elif found.state in (State.UNKNOWN, State.RESERVED):
                unknown[row.key] = row
            else:
                fresh[row.key] = row
        self._keep("rejected_by_api", list(refused.values()), {key: known[key].note or "" for key in refused})
        return list(fresh.values()), list(unknown.values())

    def _count_arrived(self, row: Row, found: DeliveryState) -> None:
        """Count one that the API has: sent by this run in an earlier try, in this one, or by another run."""
        if found.by_try:
            self._drop("duplicate", row)
        elif found.by_run:
            self._met.add(row.key)
            self._count_accepted(1)
        else:
            self._drop("already_accepted", row)

    def _resolve(self, rows: list[Row], known: dict[bytes, DeliveryState]) -> dict[int, list[Row]]:
        """Return those of the unknown rows that are to be sent again, by how often that will have been."""
        if not rows:
            return {}
        stored = self._look_up(rows)
        if stored:
            self.deliveries.confirm(list(stored))
        self.account.found_by_search += len(stored)
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
            self._quarantine(issue, row, messages[row.key])

    def _look_up(self, rows: list[Row]) -> set[bytes]:
        found = self.look_up(rows)
        if found is None:
            self.account.search_could_not_tell += len(rows)
            return set()
        return found

    def _send(self, batch: Batch, allowed: int) -> None:
        """Send a batch, in parts if it is larger than a request may be now, after trials if sending has stopped."""
        rest: Batch | None = batch
        while rest is not None and self.deliveries.lease.streak.is_stopped:
            rest = self._send_trial(rest, allowed)
        if rest is None:
            return
        parts = self.size.cut(rest.rows)
        if len(parts) > 1:
            self._send_parts(rest, parts, allowed)
        else:
            self._send_whole(rest, allowed)

    def _send_trial(self, batch: Batch, allowed: int) -> Batch | None:
        """Send one detection of a connector that has stopped sending; return the others, None if there are none."""
        self.deliveries.check_breaker()
        if not self.deliveries.count_left(allowed):
            self._put_off(batch)
            return None
        if len(batch.rows) == 1:
            self._send_whole(batch, allowed)
            return None
        first, rest = self._plan_parts(batch, [batch.rows[:1], batch.rows[1:]])
        self._send_whole(first, allowed)
        return rest

    def _send_whole(self, batch: Batch, allowed: int) -> None:
        """Send a batch in one request, or as much of it as the day's budget allows."""
        reserved = self.deliveries.reserve(batch, allowed, accepted=self._answered)
        self._answered = None
        if reserved:
            self._submit(batch, allowed)
            return
        left = self.deliveries.count_left(allowed)
        if 0 < left < len(batch.rows):
            self._send_parts(batch, [batch.rows[:left], batch.rows[left:]], allowed)
        else:
            self._put_off(batch)

    def _send_parts(self, batch: Batch, parts: Sequence[Sequence[Row]], allowed: int) -> None:
        for part in self._plan_parts(batch, parts):
            self._send(part, allowed)

    def _plan_parts(self, batch: Batch, parts: Sequence[Sequence[Row]]) -> list[Batch]:
        return self.deliveries.plan(parts, [row.key for row in batch.rows], resends=batch.resends)

    def _submit(self, batch: Batch, allowed: int) -> None:
        """Make the request of a reserved batch; the ledger learns what came of it."""
        try:
            receipt = submit_named(self.client, make_live_submission(batch.rows, self.rules))
        except (UnknownOutcomeError, AccountingError) as err:
            self.deliveries.mark_unknown(batch, MISMATCH if isinstance(err, AccountingError) else str(err)[:500])
            raise
        except DailyLimitError:
            self.deliveries.release(batch)
            self.deliveries.exhaust()
            self._put_off(batch)
        except RequestRefusedError as err:
            self.deliveries.release(batch)
            self._handle_refusal(batch, err, allowed)
        except CollectiveInsightsError:
            self.deliveries.release(batch)
            raise
        else:
            self._take_receipt(batch, receipt)

    def _take_receipt(self, batch: Batch, receipt: Receipt) -> None:
        """Count what is accepted; what the API names as dropped is rejected before the batch can be settled."""
        dropped = {row.key: receipt.dropped[row.key.hex()] for row in batch.rows if row.key.hex() in receipt.dropped}
        self._reject(batch.rows, dropped)
        self._answered = batch
        self._count_accepted(len(batch.rows) - len(dropped))
        if self.deliveries.lease.streak.submissions:  # over, and what is next may be sent at once
            self._settle_answered()

    def _handle_refusal(self, batch: Batch, error: RequestRefusedError, allowed: int) -> None:
        """Quarantine the detections that a batch is refused for, or send it in smaller requests if it is too large."""
        refused = find_refused(self.client, batch.rows, self.rules.terms, error)
        if not refused:
            self.account.split += 1
            self.size.learn(batch.rows, error.status)
        self._reject(batch.rows, refused)
        good = [row for row in batch.rows if row.key not in refused]
        if good:
            self._send(replace(batch, rows=good), allowed)

    def _reject(self, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        refused = [row for row in rows if row.key in messages]
        if refused:
            self.deliveries.reject(refused, messages)
        for row in refused:
            self._quarantine("rejected_by_api", row, messages[row.key])

    def _put_off(self, batch: Batch) -> None:
        self.deliveries.put_off(batch)
        self._count_waiting(batch.rows)

    def _settle_answered(self) -> None:
        if self._answered is not None:
            self.deliveries.accept(self._answered)
            self._answered = None

    def _count_accepted(self, count: int) -> None:
        self.tally.records_out += count
        self.account.accepted += count

    def _count_waiting(self, rows: Sequence[Row]) -> None:
        self.tally.records_out += len(rows)
        keys = {row.key for row in rows}
        self._waiting |= keys
        self._met |= keys
        self.account.waiting = len(self._waiting)

    def _drop(self, reason: str, row: Row) -> None:
        self.tally.drop(Dropped(reason, row.event_id))

    def _quarantine(self, issue: str, row: Row, detail: str) -> None:
        self._met.add(row.key)
        verdict = Quarantined(issue, row.event_id, detail)
        self.tally.quarantine(verdict)
        self.side.add_quarantined(verdict, row.text)
