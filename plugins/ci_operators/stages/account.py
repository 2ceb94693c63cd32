"""A delivery's terms and its account: what a run may do, what it did, and the codes of what became of a detection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from ci_operators.core.tally import Tally
from ci_operators.ledger.deliveries import RunCounts
from ci_operators.stages.run import Terms

#: Seconds that a run waits for another one of its connector: most submit for a moment, and one that comes again does so
#: after a minute and a half, when others may have come before it.
LOCK_PATIENCE_S = 30

UnknownPolicy = Literal["resend", "hold"]
MISMATCH = "the API counted other detections than were sent"

#: Codes of what becomes of a detection at submit, in words.
DROP_REASONS = {
    "already_accepted": "The API has accepted this detection before.",
    "duplicate": "The same detection is in this window twice.",
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
    unknown_resends: how often a detection is sent again that may have arrived, before it is held.
    """

    terms: Terms
    unknown_policy: UnknownPolicy
    allowed: int
    allowed_for_waiting: int
    send_transient_id: bool = False
    lock_patience_s: int = LOCK_PATIENCE_S
    unknown_resends: int = 1


@dataclass
class Account:
    """What one run did, beside the tally of its own records.

    By the ledger, of all tries of the run: processed (accepted, by indicator type), batches, accepted, resent_unknown
    (sent again though they may have arrived), from_waiting (accepted by this run, but read by an earlier one).
    Of its last try: waiting: own records that wait at its end; split: batches that were too large for the API;
    search_could_not_tell: unknown ones that no search told of; put_off_again, waiting_quarantined: what became of
    those that waited (the rest of them still does).
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
        for name in ("split", "found_by_search", "search_could_not_tell"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.put_off_again, self.waiting_quarantined = other.waiting, tally.quarantined.total()

    def add_run(self, counts: RunCounts) -> None:
        """Take over what the ledger has counted; `accepted` holds the run's own until then."""
        total = counts.accepted.total()
        self.from_waiting, self.accepted = total - self.accepted, total
        self.processed, self.batches, self.resent_unknown = counts.accepted, counts.batches, counts.resent

    def to_extra(self) -> dict[str, Any]:
        """Return the counts as they stand in the manifest."""
        return {**vars(self), "processed": dict(self.processed)}
