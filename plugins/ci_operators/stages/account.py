"""The terms of a delivery, its account, and the outcome codes of detections at submit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from ci_operators.core.tally import Tally
from ci_operators.ledger.batch import RunCounts
from ci_operators.stages.run import Terms

#: Seconds that a run waits for another one of its connector. Most submit briefly; a rescheduled run starts again after
#: a minute and a half, and others may get the lease first.
LOCK_PATIENCE_S = 30

UnknownPolicy = Literal["resend", "hold"]
MISMATCH = "the API's counts differ from the detections sent"

#: The meanings of the outcome codes of detections at submit.
DROP_REASONS = {
    "already_accepted": "The API has already accepted this detection.",
    "duplicate": "The window has this detection twice.",
}
ISSUES = {
    "rejected_by_api": "The API refuses the detection.",
    "outcome_unknown": "The API may have stored the detection: held until `settle` (option unknown_policy).",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How a run submits, how much of the day's budget it may spend, and what it does with unknown detections.

    allowed: the destination's total for today after this run; allowed_for_waiting: the same for detections that
    wait since an earlier day or run. send_transient_id: whether each detection is sent with its key.
    unknown_resends: how often a detection that may have arrived is sent again before it is held.
    parallel_requests: the maximum of submissions in flight at the same time.
    """

    terms: Terms
    unknown_policy: UnknownPolicy
    allowed: int
    allowed_for_waiting: int
    send_transient_id: bool = False
    lock_patience_s: int = LOCK_PATIENCE_S
    unknown_resends: int = 1
    parallel_requests: int = 1


@dataclass
class Account:
    """What one run did, in addition to the tally of its records.

    From the ledger, for all tries of the run: processed (accepted, by indicator type), batches, accepted,
    resent_unknown (sent again although they may have arrived), from_waiting (accepted, but read by an earlier run).
    For its last try: waiting (own records that wait at its end), split (batches too large for the API),
    search_could_not_tell (unknown detections that the search could not decide), put_off_again and
    waiting_quarantined (outcomes of earlier waiting detections; the others still wait).
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
        """Add the outcomes of detections that waited, from their own account and tally."""
        for name in ("split", "found_by_search", "search_could_not_tell"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.put_off_again, self.waiting_quarantined = other.waiting, tally.quarantined.total()

    def add_run(self, counts: RunCounts) -> None:
        """Take over the ledger's counts. Until then, `accepted` has only the run's own detections."""
        total = counts.accepted.total()
        self.from_waiting, self.accepted = total - self.accepted, total
        self.processed, self.batches, self.resent_unknown = counts.accepted, counts.batches, counts.resent

    def to_extra(self) -> dict[str, Any]:
        """Return the counts for the manifest."""
        return {**vars(self), "processed": dict(self.processed)}
