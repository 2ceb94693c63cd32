"""The circuit breaker: a connector whose submissions keep ending unknown stops sending."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from ci_operators.core.errors import RetriableError
from ci_operators.core.instant import format_instant
from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly

#: The number of consecutive unknown submissions after which the connector stops sending.
MOST_UNKNOWN = 3
#: How long after the last of them a run may send a single detection as a trial.
COOL_DOWN = timedelta(minutes=10)

_c = tables.connector


@dataclass(frozen=True, slots=True)
class Streak:
    """Consecutive unknown submissions of a connector: the number, and the ends of the first and the last."""

    submissions: int = 0
    since: datetime | None = None
    last: datetime | None = None

    @property
    def is_stopped(self) -> bool:
        """Return whether the connector may send only one detection as a trial."""
        return self.submissions >= MOST_UNKNOWN

    @property
    def trial_at(self) -> datetime | None:
        """Return when the next trial is due, or None if the connector is not stopped."""
        return self.last + COOL_DOWN if self.is_stopped and self.last else None

    def check(self, connector: str, now: datetime) -> None:
        """Raise RetriableError if the connector is stopped and its next trial is not due yet."""
        if self.since and self.last and self.trial_at and now < self.trial_at:
            raise RetriableError(
                f"{connector} has stopped sending: nobody can say whether its last {self.submissions} submissions, "
                f"{format_instant(self.since)} to {format_instant(self.last)}, were stored. Look at Recorded Future's "
                f"status, and at any proxy before it. The next run after {format_instant(self.trial_at)} sends one "
                "detection as a trial, and goes on if it is accepted."
            )

    def longer(self, now: datetime) -> Streak:
        """Return the streak with one more submission."""
        return Streak(self.submissions + 1, self.since or now, now)


def keep_streak(connection: Connection, connector_id: int, fence: int, streak: Streak) -> None:
    """Write a connector's streak within the connection's transaction, unless another run holds the connector now."""
    values = {"unknown_streak": streak.submissions, "unknown_since": streak.since, "unknown_at": streak.last}
    connection.execute(update(_c).where(_c.c.id == connector_id, _c.c.fence == fence).values(values))


def find_streaks(connection: Connection, connector_ids: Iterable[int]) -> dict[int, Streak]:
    """Return the current streaks by connector number. An accepted submission ends a streak."""
    query = select(_c.c.id, _c.c.unknown_streak, _c.c.unknown_since, _c.c.unknown_at)
    with speak_plainly(), connection.begin():
        rows = connection.execute(query.where(_c.c.id.in_(list(connector_ids)), _c.c.unknown_streak > 0))
        return {number: Streak(*rest) for number, *rest in rows}
