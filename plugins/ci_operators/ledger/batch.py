"""The data that a delivery and its ledger exchange: batches, and the states of detections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ci_operators.ledger.row import Row
from ci_operators.ledger.tables import State


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The state of a detection in the ledger, and the reason for it.

    resends: how often it was sent again although it may have arrived; by_run: whether this run sent it last, in any
    of its tries; by_try: whether this try did.
    """

    state: State
    note: str | None
    resends: int = 0
    by_run: bool = False
    by_try: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Detections of one request, with the ledger's number for it.

    resends: how often they were sent again, including this request. Above 0, an earlier request may have arrived, so
    they are unknown until this one is accepted.
    """

    number: int
    rows: Sequence[Row]
    resends: int = 0

    def state_if_not_sent(self, state: State) -> State:
        """Return the state of the batch before this request leaves: `state`, if it is the first request."""
        return State.UNKNOWN if self.resends else state


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What a run sent in all its tries: batches accepted, detections accepted by indicator type, and resends."""

    batches: int
    accepted: Counter[str]
    resent: int
