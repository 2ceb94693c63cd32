"""Exact delivery: every detection accepted once, over retries, re-runs, kills and two runs at once.

A batch is reserved in the ledger before its request leaves and settled after the answer. What was reserved
when a task died, or got no readable answer, is *unknown*: the search endpoint may know; else the connector's
policy says whether it is sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
from ci_operators.recorded_future.api import submit
from ci_operators.stages.batches import cut_batches, make_submission
from ci_operators.stages.pump import SideArtifacts
from ci_operators.stages.refusals import find_refused
from ci_operators.stages.run import StageResult, Terms
from ci_operators.staging.artifact import StagingPath, read_artifact
from ci_operators.transport.client import Client

#: Batches looked up and planned at once: few and large transactions, and little memory.
BATCHES_PER_GROUP = 20

UnknownPolicy = Literal["resend", "hold"]
#: Gives the keys of those rows that the API has stored.
LookUp = Callable[[Sequence[Row]], set[bytes]]

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
    that have waited since an earlier day or run.
    """

    terms: Terms
    unknown_policy: UnknownPolicy
    allowed: int
    allowed_for_waiting: int


@dataclass
class Account:
    """What one run did, beside the tally of its own records.

    resent_unknown: detections sent again, in any try of the run, though they may have arrived before.
    """

    processed: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    accepted: int = 0
    waiting: int = 0
    resent_unknown: int = 0
    found_by_search: int = 0
    from_waiting: int = 0

    def to_extra(self) -> dict[str, Any]:
        """Return the counts as they stand in the manifest."""
        return {**vars(self), "processed": dict(self.processed)}


def deliver_once(
    client: Client, source: StagingPath, directory: Any, rules: Rules, deliveries: Deliveries, look_up: LookUp
) -> StageResult:
    """Deliver the detections of the artifact `source`, then those that waited for budget.

    Raises the errors of `recorded_future.api.submit` once the ledger knows of them; another try goes on
    where this one stopped.
    """
    deliveries.lock()
    recovered = deliveries.recover()
    tally = Tally()
    with SideArtifacts(directory, "submit") as side:
        courier = Courier(client, rules, deliveries, look_up, tally, side)
        courier.take_all(read_artifact(source))
        tally.check_conservation("submit")
        courier.take_waiting()
    courier.account.resent_unknown = deliveries.count_resent()
    extra = {**courier.account.to_extra(), "unknown_from_earlier_tries": recovered}
    return StageResult(tally, side_artifacts=dict(side.paths), extra=extra)


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
        own, self.tally = self.tally, Tally()
        try:
            while texts := self.deliveries.take_waiting(self.rules.terms.batch_size):
                rows = [read_row(self.deliveries.connector, text) for text in texts]
                waited = self.account.waiting
                self._take(rows, self.rules.allowed_for_waiting, waiting=True)
                self._settle_answered()
                if self.account.waiting > waited:
                    self.account.waiting = waited
                    return
                self.deliveries.forget_waiting(rows)
        finally:
            self._settle_answered()
            self.account.from_waiting, self.tally = self.tally.records_out, own

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
                self._count_waiting(1)
            elif state in (State.UNKNOWN, State.RESERVED):
                doubtful[row.key] = row
            else:
                fresh[row.key] = row
        return list(fresh.values()), list(doubtful.values())

    def _resolve(self, rows: list[Row], known: dict[bytes, Known]) -> list[Row]:
        """Return those of the unknown rows that are to be sent again."""
        if not rows:
            return []
        stored = self.look_up(rows)
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

    def _send(self, batch: Batch, allowed: int) -> None:
        reserved = self.deliveries.reserve(batch, allowed, accepted=self._answered)
        self._answered = None
        if not reserved:
            self._put_off(batch)
            return
        terms = self.rules.terms
        texts = [row.text for row in batch.rows]
        submission = make_submission(texts, debug=False, organization_ids=terms.organization_ids)
        try:
            processed = submit(self.client, submission)
        except UnknownOutcomeError as err:
            self.deliveries.doubt(batch, str(err)[:500])
            raise
        except AccountingError:
            self.deliveries.doubt(batch, MISMATCH)
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
        self._answered = batch
        self._count_accepted(batch, processed)

    def _handle_refusal(self, batch: Batch, error: RequestRefusedError, allowed: int) -> None:
        """Split a batch that is too large; find the detections that a refused one is refused for."""
        if error.status == 413 and len(batch.rows) > 1:
            for half in self._split(batch):
                self._send(half, allowed)
            return
        if error.status not in (400, 413):
            raise error
        refused = {batch.rows[0].key: str(error)} if error.status == 413 else self._find_refused(batch, error)
        bad = [row for row in batch.rows if row.key in refused]
        for row in bad:
            self.deliveries.reject([row], refused[row.key][:500])
            self._quarantine("rejected_by_api", row, refused[row.key][:500])
        good = [row for row in batch.rows if row.key not in refused]
        if good:
            self._send(Batch(batch.number, good, batch.resent), allowed)

    def _find_refused(self, batch: Batch, error: RequestRefusedError) -> dict[bytes, str]:
        refused = find_refused(self.client, batch.rows, self.rules.terms)
        if not refused:
            raise error
        return refused

    def _split(self, batch: Batch) -> list[Batch]:
        middle = len(batch.rows) // 2
        halves = [batch.rows[:middle], batch.rows[middle:]]
        return self.deliveries.plan(halves, [row.key for row in batch.rows], resent=batch.resent)

    def _put_off(self, batch: Batch) -> None:
        self.deliveries.put_off(batch)
        self._count_waiting(len(batch.rows))

    def _settle_answered(self) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            self.deliveries.accept(answered)

    def _count_accepted(self, batch: Batch, processed: Counter[str]) -> None:
        self.tally.records_out += len(batch.rows)
        self.account.batches += 1
        self.account.accepted += len(batch.rows)
        self.account.processed += processed

    def _count_waiting(self, count: int) -> None:
        self.tally.records_out += count
        self.account.waiting += count

    def _drop(self, reason: str, row: Row) -> None:
        self.tally.drop(Dropped(reason, row.event_id))

    def _quarantine(self, issue: str, row: Row, detail: str) -> None:
        verdict = Quarantined(issue, row.event_id, detail)
        self.tally.quarantine(verdict)
        self.side.add_quarantined(verdict, row.text)


def _cut(rows: list[Row], size: int) -> list[list[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
