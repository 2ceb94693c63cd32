"""Count the outcomes of the detections of a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.row import Row
from ci_operators.stages.account import Account
from ci_operators.stages.pump import SideArtifacts


@dataclass
class DeliveryReport:
    """The tally and the account of a run's own detections, or of those that waited.

    waiting: keys of detections put off, now or before; met: keys of all detections except those accepted in this try.
    """

    side: SideArtifacts
    tally: Tally = field(default_factory=Tally)
    account: Account = field(default_factory=Account)
    waiting: set[bytes] = field(default_factory=set)
    met: set[bytes] = field(default_factory=set)

    def count_accepted(self, count: int) -> None:
        """Count detections that the API accepted."""
        self.tally.records_out += count
        self.account.accepted += count

    def count_waiting(self, rows: Sequence[Row]) -> None:
        """Count detections that wait for budget."""
        self.tally.records_out += len(rows)
        keys = {row.key for row in rows}
        self.waiting |= keys
        self.met |= keys
        self.account.waiting = len(self.waiting)

    def drop(self, reason: str, row: Row) -> None:
        """Count a detection that is not sent."""
        self.tally.drop(Dropped(reason, row.event_id))

    def quarantine(self, issue: str, row: Row, detail: str) -> None:
        """Count a detection that cannot be sent, and keep it next to the run's artifacts."""
        self.met.add(row.key)
        verdict = Quarantined(issue, row.event_id, detail)
        self.tally.quarantine(verdict)
        self.side.add_quarantined(verdict, row.text)
