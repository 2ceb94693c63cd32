"""Exact delivery: every detection accepted once, over retries, re-runs, kills and two runs at once.

A batch is reserved in the ledger before its request leaves and settled after the answer. What was reserved
when a task died, or got no readable answer, is *unknown*: the search endpoint may know; else the connector's
policy says whether it is sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ci_operators.core.errors import (
    AccountingError,
    CollectiveInsightsError,
    DailyLimitError,
    RequestRefusedError,
    UnknownOutcomeError,
)
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.deliveries import Batch, Deliveries, Known
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import Receipt, Submission, submit_named
from ci_operators.stages.batches import cut_batches, make_submission
from ci_operators.stages.pump import SideArtifacts
from ci_operators.stages.refusals import judge_refusal
from ci_operators.stages.run import StageResult, Terms
from ci_operators.staging.artifact import Artifact, read_artifact
from ci_operators.transport.client import Client

#: Batches looked up and planned at once: few and large transactions, and little memory.
BATCHES_PER_GROUP = 20

#: Seconds that a run waits for another one of its connector: most submit for a moment, and one that comes again does so
#: after a minute and a half, when others may have come before it.
LOCK_PATIENCE_S = 30

UnknownPolicy = Literal["resend", "hold"]
#: Gives the keys of those rows that the API has stored, None if nobody can tell.
LookUp = Callable[[Sequence[Row]], set[bytes] | None]

MISMATCH = "the API counted other detections than were sent"

#: Codes of what becomes of a detection at submit, in words.
DROP_REASONS = {
    "already_accepted": "The API has accepted this detection before.",
    "duplicate": "The same detection stands in this window twice.",
}
ISSUES = {
    "rejected_by_api": "The API refuses the detection.",
    "outcome_unknown": "The API may have stored the detection before: held until `settle` (option unknown_policy).",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run delivers: how it submits, what it may spend of the day's budget, what it does about unknowns.

    allowed: detections the destination may have today after this run; allowed_for_waiting: the same for those
    that have waited since an earlier day or run. send_transient_id: whether each detection is sent with its key.
    """

    terms: Terms
    unknown_policy: UnknownPolicy
    allowed: int
    allowed_for_waiting: int
    send_transient_id: bool = False
    lock_patience_s: int = LOCK_PATIENCE_S


@dataclass
class Account:
    """What one run did, beside the tally of its own records.

    waiting: own records that wait at its end; split: batches delivered as halves, too large for the API;
    resent_unknown: detections sent again, in any try of the run, though they may have arrived before;
    search_could_not_tell: unknown ones that no search told of; from_waiting, put_off_again, waiting_quarantined:
    what became of those that waited (the rest of them still does).
    """

    processed: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    accepted: int = 0
    waiting: int = 0
    split: int = 0
    resent_unknown: int = 0
    found_by_search: int = 0
    search_could_not_tell: int = 0
    from_waiting: int = 0
    put_off_again: int = 0
    waiting_quarantined: int = 0

    def add_late(self, other: Account, tally: Tally) -> None:
        """Add what was done about those that waited, as another account and its tally have it."""
        self.processed += other.processed
        for name in ("batches", "accepted", "split", "found_by_search", "search_could_not_tell"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.from_waiting, self.put_off_again = other.accepted, other.waiting
        self.waiting_quarantined = tally.quarantined.total()

    def to_extra(self) -> dict[str, Any]:
        """Return the counts as they stand in the manifest."""
        return {**vars(self), "processed": dict(self.processed)}


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
        courier = Courier(client, rules, deliveries, look_up, tally, side)
        courier.take_all(read_artifact(source))
        tally.check_conservation("submit")
        courier.take_waiting()
    courier.account.resent_unknown = deliveries.count_resent()
    extra = {**courier.account.to_extra(), "unknown_from_earlier_tries": recovered}
    return StageResult(tally, side_artifacts=side.artifacts, extra=extra)


@dataclass
class Courier:
    """Sends what the ledger does not know as accepted."""

    client: Client
    rules: Rules
    deliveries: Deliveries
    look_up: LookUp
    tally: Tally
    side: SideArtifacts
    account: Account = field(default_factory=Account)
    _waiting: set[bytes] = field(default_factory=set)  # keys of those that were put off, or wait since before
    _answered: Batch | None = None  # accepted by the API; the ledger learns of it with the next reservation

    def take_all(self, chunks: Iterable[list[bytes]]) -> None:
        """Deliver all records of an artifact."""
        size = self.rules.terms.batch_size * BATCHES_PER_GROUP
        try:
            for group in cut_batches(chunks, size):
                self.tally.records_in += len(group)
                self._take([read_row(self.deliveries.connector, text) for text in group], self.rules.allowed)
        finally:
            self._settle_answered()

    def take_waiting(self) -> None:
        """Deliver what waited for budget, the oldest first, until there is no more of either."""
        late = replace(self, tally=Tally(), account=Account(), _waiting=set())
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
        fresh, doubtful = self._sort(rows, known, waiting=waiting)
        again = self._resolve(doubtful, known)
        size = min(self.rules.terms.batch_size, max(allowed, 1))  # a batch above the day's limit would wait for ever
        planned = self.deliveries.plan(_cut(fresh, size), known)
        planned += self.deliveries.plan(_cut(again, size), known, resent=True)
        for batch in planned:
            self._send(batch, allowed)

    def _sort(self, rows: list[Row], known: dict[bytes, Known], *, waiting: bool) -> tuple[list[Row], list[Row]]:
        """Return the rows to send and those whose outcome is unknown; count the others."""
        fresh: dict[bytes, Row] = {}
        doubtful: dict[bytes, Row] = {}
        for row in rows:
            state = known[row.key].state if row.key in known else State.PLANNED
            if row.key in fresh or row.key in doubtful:
                self._drop("duplicate", row)
            elif state is State.ACCEPTED:
                self._drop("already_accepted", row)
            elif state is State.REJECTED:
                self._quarantine("rejected_by_api", row, known[row.key].note or "")
            elif state is State.WAITING and not waiting:
                self._count_waiting([row])
            elif state in (State.UNKNOWN, State.RESERVED):
                doubtful[row.key] = row
            else:
                fresh[row.key] = row
        return list(fresh.values()), list(doubtful.values())

    def _resolve(self, rows: list[Row], known: dict[bytes, Known]) -> list[Row]:
        """Return those of the unknown rows that are to be sent again."""
        if not rows:
            return []
        stored = self._look_up(rows)
        self.deliveries.confirm(list(stored))
        self.account.found_by_search += len(stored)
        again = []
        for row in rows:
            if row.key in stored:
                self._drop("already_accepted", row)
            elif self.rules.unknown_policy == "hold" or known[row.key].note == MISMATCH:
                self._quarantine("outcome_unknown", row, known[row.key].note or "")
            else:
                again.append(row)
        return again

    def _look_up(self, rows: list[Row]) -> set[bytes]:
        found = self.look_up(rows)
        if found is None:
            self.account.search_could_not_tell += len(rows)
            return set()
        return found

    def _send(self, batch: Batch, allowed: int) -> None:
        reserved = self.deliveries.reserve(batch, allowed, accepted=self._answered)
        self._answered = None
        if not reserved:
            self._put_off(batch)
            return
        try:
            receipt = submit_named(self.client, self._make_submission(batch.rows))
        except (UnknownOutcomeError, AccountingError) as err:
            self.deliveries.doubt(batch, MISMATCH if isinstance(err, AccountingError) else str(err)[:500])
            raise
        except DailyLimitError:
            self.deliveries.release(batch)
            self.deliveries.exhaust()
            self._put_off(batch)
            return
        except RequestRefusedError as err:
            self.deliveries.release(batch)
            self._handle_refusal(batch, err, allowed)
            return
        except CollectiveInsightsError:
            self.deliveries.release(batch)
            raise
        self._take_receipt(batch, receipt)

    def _make_submission(self, rows: Sequence[Row]) -> Submission:
        organization_ids = self.rules.terms.organization_ids
        submission = make_submission([row.text for row in rows], debug=False, organization_ids=organization_ids)
        if not self.rules.send_transient_id:
            return submission
        names = {row.key.hex(): row.indicator_type for row in rows}
        named = [b'{"transient_id":"%s",%s' % (row.key.hex().encode(), row.text[1:]) for row in rows]
        return replace(submission, detections=named, names=names)

    def _take_receipt(self, batch: Batch, receipt: Receipt) -> None:
        """Count what is accepted; what the API names as dropped is rejected before the batch can be settled."""
        dropped = {row.key: receipt.dropped[row.key.hex()] for row in batch.rows if row.key.hex() in receipt.dropped}
        self._reject([row for row in batch.rows if row.key in dropped], dropped)
        self._answered = batch
        count = len(batch.rows) - len(dropped)
        self.tally.records_out += count
        self.account.batches += 1
        self.account.accepted += count
        self.account.processed += receipt.processed

    def _handle_refusal(self, batch: Batch, error: RequestRefusedError, allowed: int) -> None:
        """Quarantine the detections that a batch is refused for, or deliver it as halves if it is too large."""
        refused = self._find_refused(batch, error)
        if not refused:
            for half in self._split(batch):
                self._send(half, allowed)
            return
        self._reject([row for row in batch.rows if row.key in refused], refused)
        good = [row for row in batch.rows if row.key not in refused]
        if good:
            self._send(Batch(batch.number, good, batch.resent), allowed)

    def _find_refused(self, batch: Batch, error: RequestRefusedError) -> dict[bytes, str]:
        """Return the detections a batch is refused for, with messages; none if it is refused for its size."""
        is_single = len(batch.rows) == 1
        if error.status == 413:
            return {batch.rows[0].key: str(error)} if is_single else {}
        refused = judge_refusal(self.client, batch.rows, self.rules.terms) if error.status == 400 else None
        if refused is None or (is_single and not refused):
            raise error
        return refused

    def _reject(self, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        for row in rows:
            message = messages[row.key][:500]
            self.deliveries.reject([row], message)
            self._quarantine("rejected_by_api", row, message)

    def _split(self, batch: Batch) -> list[Batch]:
        self.account.split += 1
        middle = len(batch.rows) // 2
        halves = [batch.rows[:middle], batch.rows[middle:]]
        return self.deliveries.plan(halves, [row.key for row in batch.rows], resent=batch.resent)

    def _put_off(self, batch: Batch) -> None:
        self.deliveries.put_off(batch)
        self._count_waiting(batch.rows)

    def _settle_answered(self) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            self.deliveries.accept(answered)

    def _count_waiting(self, rows: Sequence[Row]) -> None:
        self.tally.records_out += len(rows)
        self._waiting.update(row.key for row in rows)
        self.account.waiting = len(self._waiting)

    def _drop(self, reason: str, row: Row) -> None:
        self.tally.drop(Dropped(reason, row.event_id))

    def _quarantine(self, issue: str, row: Row, detail: str) -> None:
        verdict = Quarantined(issue, row.event_id, detail)
        self.tally.quarantine(verdict)
        self.side.add_quarantined(verdict, row.text)


def _cut(rows: list[Row], size: int) -> list[list[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
