"""Send planned batches: reserve each before its request leaves, and settle it when the next ones are reserved."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from ci_operators.core.errors import (
    AccountingError,
    CollectiveInsightsError,
    DailyLimitError,
    RequestRefusedError,
    UnknownOutcomeError,
)
from ci_operators.ledger.batch import Batch
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row
from ci_operators.recorded_future.api import Receipt
from ci_operators.stages.account import MISMATCH, Rules
from ci_operators.stages.batches import RequestSize
from ci_operators.stages.delivery_report import DeliveryReport
from ci_operators.stages.flight import Answer, Flight
from ci_operators.stages.refusals import find_refused
from ci_operators.transport.client import Client


@dataclass
class BatchSender:
    """Sends batches, several at a time. Its block ends when the ledger has the outcome of each.

    allowed: the destination's total for today after the batches.
    """

    client: Client
    flight: Flight
    deliveries: Deliveries
    rules: Rules
    size: RequestSize
    report: DeliveryReport
    allowed: int
    _queue: deque[Batch] = field(init=False, default_factory=deque)
    _answered: list[Batch] = field(init=False, default_factory=list)  # accepted; written to the ledger with the next
    _pause_s: float = field(init=False, default=0.0)  # requested by the API
    _attempts: int = field(init=False, default=0)  # in a row, of a request that is alone

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Settle the answered batches. After an error other than a signal, first wait for the requests in flight."""
        try:
            while self.flight.batches and kind is not None and issubclass(kind, Exception):
                for answer in self.flight.land():
                    self._settle_late(answer)
        finally:
            self._settle()

    def send(self, batches: Sequence[Batch]) -> None:
        """Send all batches, and settle the answered ones. Some may still be in flight when this returns."""
        self._queue.extend(batches)
        while self._queue:
            self._step()

    def finish(self) -> None:
        """Wait for the requests in flight."""
        while self._queue or self.flight.batches:
            self._step()
        self._settle()

    def find_in_flight(self) -> set[bytes]:
        """Return the keys of the detections that are in flight."""
        return {row.key for batch in self.flight.batches for row in batch.rows}

    def _step(self) -> None:
        if not self._send_next():
            for answer in self.flight.land():
                self._take(answer)

    def _send_next(self) -> bool:
        """Send as many as there is room for. Return False if an answer must arrive first."""
        room = self.flight.room if self._queue else 0
        if room < 1:
            return False
        if self.deliveries.lease.streak.is_stopped and not self._has_trial():
            return True
        self.client.pacer.wait(self._pause_s)
        self._pause_s = 0.0
        return self._reserve(self._take_from_queue(room))

    def _has_trial(self) -> bool:
        """Put a single detection at the head of the queue as a trial. Return False if there is no budget."""
        self.deliveries.check_breaker()
        batch = self._queue[0]
        if not self.deliveries.budget.count_left(self.allowed):
            self._put_off(self._queue.popleft())
            return False
        if len(batch.rows) > 1:
            self._replace(self._queue.popleft(), [batch.rows[:1], batch.rows[1:]])
        return True

    def _take_from_queue(self, count: int) -> list[Batch]:
        """Return the next batches, each at the current maximum size of a request."""
        found: list[Batch] = []
        while self._queue and len(found) < count:
            batch = self._queue.popleft()
            parts = self.size.cut(batch.rows)
            if len(parts) > 1:
                self._replace(batch, parts)
            else:
                found.append(batch)
        return found

    def _reserve(self, batches: Sequence[Batch]) -> bool:
        """Reserve and send batches, up to the day's budget. Return False if the budget is not known yet."""
        is_reserved = self.deliveries.reserve(batches, self.allowed, accepted=self._answered)
        self._answered = []
        if is_reserved:
            self.flight.start(batches)
            return True
        self._queue.extendleft(reversed(batches))
        if self.flight.batches:  # refused detections return their budget
            return False
        self._fit_budget()
        return True

    def _fit_budget(self) -> None:
        """Send as much of the queue's head as today's budget allows, in one request; put it off if nothing is left."""
        left, batch = self.deliveries.budget.count_left(self.allowed), self._queue.popleft()
        if left >= len(batch.rows):
            self._reserve([batch])
        elif left:
            self._replace(batch, [batch.rows[:left], batch.rows[left:]])
        else:
            self._put_off(batch)

    def _replace(self, batch: Batch, parts: Sequence[Sequence[Row]]) -> None:
        """Replace a batch by its parts at the head of the queue."""
        planned = self.deliveries.plan(parts, [row.key for row in batch.rows], resends=batch.resends)
        self._queue.extendleft(reversed(planned))

    def _take(self, answer: Answer) -> None:
        """Write the outcome of a request to the ledger, and act on it. Raise an error that ends the run."""
        batch = answer.batch
        match answer.result:
            case Receipt() as receipt:
                self._take_receipt(batch, receipt)
            case DailyLimitError():
                self.deliveries.budget.exhaust(batch)
                self.deliveries.release(batch)
                self._put_off(batch)
            case RequestRefusedError() as err:
                self.deliveries.release(batch)
                self._handle_refusal(batch, err)
            case err if _is_unsure(err):
                self._mark_unknown(batch, err)
                raise err
            case err:
                self.deliveries.release(batch)
                self._send_again(answer, err)

    def _settle_late(self, answer: Answer) -> None:
        """Write the outcome of a request to the ledger after the run has failed. What cannot be decided is unknown."""
        with suppress(CollectiveInsightsError):
            match answer.result:
                case Receipt() as receipt:
                    self._take_receipt(answer.batch, receipt)
                case err if _is_unsure(err):
                    self._mark_unknown(answer.batch, err)
                case _:
                    self.deliveries.release(answer.batch)

    def _mark_unknown(self, batch: Batch, error: Exception) -> None:
        """Mark a batch as unknown, after those that were accepted before it: their settling ends the streak."""
        try:
            self._settle()
        finally:
            self.deliveries.mark_unknown(batch, _describe(error))

    def _send_again(self, answer: Answer, error: Exception) -> None:
        """Send a batch that was not stored again, alone or with fewer requests in flight. Raise the last error."""
        self._attempts += answer.beside == 1
        wait_s = self.client.choose_wait(error, max(self._attempts, 1))
        if wait_s is None or self._attempts >= self.client.attempts:
            raise error
        if answer.beside > 1:
            self.flight.narrow(answer)
        self._pause_s = max(self._pause_s, wait_s)
        self._queue.appendleft(answer.batch)

    def _take_receipt(self, batch: Batch, receipt: Receipt) -> None:
        """Count the accepted detections. Reject those that the API dropped before the batch can be settled."""
        dropped = {bytes.fromhex(name): message for name, message in receipt.dropped.items()}
        refused = self._reject(batch.rows, dropped)
        self._answered.append(batch)  # before files are written, which can fail
        self._attempts = 0
        self.report.count_accepted(len(batch.rows) - len(dropped))
        self._quarantine(refused, dropped)
        if self.deliveries.lease.streak.submissions:  # ended: the next batches may be sent at once
            self._settle()

    def _handle_refusal(self, batch: Batch, error: RequestRefusedError) -> None:
        """Quarantine the detections that cause a refusal, or split the batch if it is too large."""
        refused = find_refused(self.client, batch.rows, self.rules.terms, error)
        if not refused:
            self.report.account.split += 1
            self.size.learn(batch.rows, error.status)
        self._quarantine(self._reject(batch.rows, refused), refused)
        good = [row for row in batch.rows if row.key not in refused]
        if good:
            self._queue.appendleft(replace(batch, rows=good))

    def _reject(self, rows: Sequence[Row], messages: Mapping[bytes, str]) -> list[Row]:
        refused = [row for row in rows if row.key in messages]
        if refused:
            self.deliveries.reject(refused, messages)
        return refused

    def _quarantine(self, rows: Iterable[Row], messages: Mapping[bytes, str]) -> None:
        for row in rows:
            self.report.quarantine("rejected_by_api", row, messages[row.key])

    def _put_off(self, batch: Batch) -> None:
        self.deliveries.put_off(batch)
        self.report.count_waiting(batch.rows)

    def _settle(self) -> None:
        if self._answered:
            self.deliveries.accept(self._answered)
            self._answered = []


def _is_unsure(error: Exception) -> bool:
    """Return whether the API may have stored the batch. An error that is not ours proves nothing."""
    return isinstance(error, UnknownOutcomeError | AccountingError) or not isinstance(error, CollectiveInsightsError)


def _describe(error: Exception) -> str:
    """Return the ledger's note on an unknown batch. The text of an error that is not ours may hold a secret."""
    if isinstance(error, AccountingError):
        return MISMATCH
    return str(error)[:500] if isinstance(error, CollectiveInsightsError) else type(error).__name__
