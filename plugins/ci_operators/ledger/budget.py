"""The day's budget of a destination, which all of its connectors share. `Deliveries.reserve` spends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, text

from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.batch import Batch

_GIVE_BACK = text(
    "UPDATE budget SET spent = greatest(spent - :count, 0) WHERE destination = :destination AND day = :day"
)
_SPENT = text("SELECT spent, exhausted FROM budget WHERE destination = :destination AND day = :day")
_EXHAUST = text(
    """
    INSERT INTO budget (destination, day, spent, exhausted) VALUES (:destination, :day, 0, true)
    ON CONFLICT (destination, day) DO UPDATE SET exhausted = true
    """
)


@dataclass
class DailyBudget:
    """The budget as one run spends it. A batch returns its budget to the day on which it was spent."""

    connection: Connection
    destination: str
    now: Callable[[], datetime]
    _days: dict[int, date] = field(default_factory=dict)  # of batches by their number, while they are reserved

    def spend(self, batches: Sequence[Batch]) -> dict[str, object]:
        """Return the parameters of a statement that spends today's budget for batches."""
        today = self.now().date()
        self._days |= dict.fromkeys((batch.number for batch in batches), today)
        return self._of(today, sum(len(batch.rows) for batch in batches))

    def settle(self, batches: Sequence[Batch]) -> None:
        """Forget the days of batches whose budget is spent for good."""
        for batch in batches:
            self._days.pop(batch.number, None)

    def give_back(self, batch: Batch) -> None:
        """Return a batch's budget to its day, within the connection's transaction."""
        self.connection.execute(_GIVE_BACK, self._of(self._day(batch), len(batch.rows)))

    def count_left(self, most: int) -> int:
        """Return how many detections the destination may have today until there are `most`."""
        with speak_plainly(), self.connection.begin():
            spent, is_exhausted = self.connection.execute(_SPENT, self._of(self.now().date())).first() or (0, False)
        return 0 if is_exhausted else max(most - spent, 0)

    def exhaust(self, batch: Batch) -> None:
        """Record that the destination reported its budget for the day as spent."""
        with speak_plainly(), self.connection.begin():
            self.connection.execute(_EXHAUST, self._of(self._day(batch)))

    def _day(self, batch: Batch) -> date:
        return self._days.get(batch.number) or self.now().date()

    def _of(self, day: date, count: int = 0) -> dict[str, object]:
        return {"destination": self.destination, "day": day, "count": count}
