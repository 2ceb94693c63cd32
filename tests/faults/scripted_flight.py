"""Requests in flight without threads: a test decides when and in which order they are answered."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ci_operators.ledger.batch import Batch
from ci_operators.stages.account import Rules
from ci_operators.stages.flight import Flight
from ci_operators.transport.client import Client
from tests.faults.scripted_api import KilledError


def first(_count: int) -> int:
    """Answer one after the other, in the order of sending."""
    return 0


def last(count: int) -> int:
    """Answer all requests in flight at once."""
    return count - 1


@dataclass
class WaitingCalls(Executor):
    """Keeps calls until they are triggered."""

    calls: dict[Future[Any], Callable[[], Any]] = field(default_factory=dict)

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Keep a call."""
        future = Future[Any]()
        self.calls[future] = lambda: call(*arguments, **named)
        return future

    def run(self, place: int) -> Future[Any]:
        """Do the call at this index. If it kills the task, the other requests in flight may arrive or not."""
        future = list(self.calls)[place]
        call = self.calls.pop(future)
        try:
            future.set_result(call())
        except Exception as err:
            future.set_exception(err)
        return future


class ScriptedFlight(Flight):
    """Sends its requests in the thread that waits for them.

    choose: returns a number below its argument: which request is answered next, and how many more are answered
    at the same time. It also chooses what arrives before a kill.
    leave: called with each batch that is sent and with the number of requests in flight.
    """

    def __init__(
        self,
        client: Client,
        rules: Rules,
        *,
        choose: Callable[[int], int] = first,
        leave: Callable[[Batch, int], None] = lambda batch, beside: None,
    ) -> None:
        super().__init__(client, rules)
        self._pool.shutdown()
        self._choose, self._leave = choose, leave
        self._pool = self._calls = WaitingCalls()  # type: ignore[assignment]  # another executor

    def start(self, batches: Any) -> None:
        """Record what is sent."""
        super().start(batches)
        for batch in batches:
            self._leave(batch, len(self.batches))

    def _wait(self) -> set[Future[Any]]:
        if done := {future for future in self._started if future.done()}:
            return done
        count = 1 + self._choose(len(self._calls.calls))
        try:
            return {self._calls.run(self._choose(len(self._calls.calls))) for _ in range(count)}
        except KilledError:
            for _ in range(self._choose(len(self._calls.calls) + 1)):
                with suppress(KilledError):  # it arrives, although no process reads the answer
                    self._calls.run(self._choose(len(self._calls.calls)))
            raise
