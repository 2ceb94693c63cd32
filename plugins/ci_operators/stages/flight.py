"""Submissions in flight: threads only make the requests, and a single thread uses the ledger.

A run begins with one request at a time. Each accepted submission allows one more in parallel, up to the connector's
`parallel_requests`. So a wrong token, a batch that is too large, or an API that is down costs one request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from ci_operators.ledger.batch import Batch
from ci_operators.recorded_future.api import Receipt, submit_named
from ci_operators.stages.account import Rules
from ci_operators.stages.batches import make_live_submission
from ci_operators.transport.client import Client


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a batch's request. beside: the number of requests in flight with it, including itself."""

    batch: Batch
    result: Receipt | Exception
    beside: int


@dataclass(frozen=True, slots=True)
class _Started:
    batch: Batch
    client: Client
    beside: int


class Flight:
    """The requests of one run in flight, and their limit."""

    def __init__(self, client: Client, rules: Rules) -> None:
        self._rules = rules
        self._most = rules.parallel_requests
        self._places = 1
        # Each makes one request at a time, once: the ledger must know of a batch that is sent again.
        self._clients = [replace(client.copy(), attempts=1) for _ in range(self._most)]
        self._pool = ThreadPoolExecutor(self._most, "submission")
        self._started: dict[Future[Receipt], _Started] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """End the threads. If a signal or a timeout ends the process, do not wait for the requests."""
        self._pool.shutdown(wait=kind is None or issubclass(kind, Exception), cancel_futures=True)

    @property
    def batches(self) -> list[Batch]:
        """Return the batches in flight."""
        return [started.batch for started in self._started.values()]

    @property
    def room(self) -> int:
        """Return how many more requests may start."""
        return self._places - len(self._started)

    def start(self, batches: Sequence[Batch]) -> None:
        """Start the requests of reserved batches, for which there is room."""
        beside = len(self._started) + len(batches)
        for batch in batches:
            client = self._clients.pop()
            future = self._pool.submit(_submit, client, batch, self._rules)
            self._started[future] = _Started(batch, client, beside)

    def land(self) -> Iterator[Answer]:
        """Wait for an answer, then yield all available ones. Answers that are not consumed stay in flight."""
        done = self._wait()
        for future in [future for future in self._started if future in done]:
            yield self._take(future)

    def narrow(self, answer: Answer) -> None:
        """Halve the limit from the number in flight with this request."""
        self._most = min(self._most, max(answer.beside // 2, 1))
        self._places = min(self._places, self._most)

    def _wait(self) -> set[Future[Receipt]]:
        return wait(self._started, return_when=FIRST_COMPLETED).done

    def _take(self, future: Future[Receipt]) -> Answer:
        started = self._started.pop(future)
        self._clients.append(started.client)
        try:
            result: Receipt | Exception = future.result()
            self._places = min(self._places + 1, self._most)
        except Exception as err:  # the run decides: whatever it is, the batch must be settled
            result = err
        return Answer(started.batch, result, started.beside)


def _submit(client: Client, batch: Batch, rules: Rules) -> Receipt:
    return submit_named(client, make_live_submission(batch.rows, rules))
