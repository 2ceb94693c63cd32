"""The right to send for a connector: a lock that dies with its session, and a fencing token that outlives it.

The lock shows that a run has died. The token, a number in the connector's row, shows that a run was replaced: each
lease has a higher number, and each write of a run checks in the same transaction that its own is the newest. The row
is locked FOR SHARE meanwhile, so a new lease waits for the transaction, and then sees all that it wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from ci_operators.core.errors import ConfigurationError, LedgerError, RetriableError
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.breaker import Streak
from ci_operators.ledger.patience import has_got
from ci_operators.ledger.version import check_version

#: Seconds until a run that found another one submitting tries again.
LOCK_WAIT_S = 90.0
#: Seconds of one wait in the queue of the lock. In between, a signal can end the run, and others, such as a
#: migration, can get the lock.
LOCK_TURN_S = 2
#: The space of the connectors' advisory locks, each with the connector's number. The holder submits, or migrates.
LOCK_SPACE = 0x434C4F4B

#: First the table, as the update needs it: a run that waits for a migration must not hold a lock that it waits for.
_ENTER = text("LOCK TABLE connector IN ROW EXCLUSIVE MODE")
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:space, :id)")
_LOCK = text("SELECT pg_advisory_lock(:space, :id)")
_TAKE = text(
    """
    UPDATE connector SET fence = fence + 1 WHERE id = :id
    RETURNING handed_over_to, fence, clock_timestamp(), unknown_streak, unknown_since, unknown_at
    """
)
_PROVE = text("SELECT FROM connector WHERE id = :id AND fence = :fence FOR SHARE")


@dataclass
class Lease:
    """The right of one run to send for one connector. number: the connector's in the ledger; streak: its streak."""

    connection: Connection
    connector: str
    number: int
    fence: int = -1  # of no run
    taken_at: datetime | None = None
    streak: Streak = field(default_factory=Streak)

    @property
    def is_taken(self) -> bool:
        """Return whether this run has taken the lease. It may have lost it since."""
        return self.fence >= 0

    def take(self, patience_s: int = 0, *, even_handed_over: bool = False) -> None:
        """Become the only run that submits for the connector.

        patience_s: how long to wait for another run. Raises RetriableError if that run is still submitting, and
        ConfigurationError after a migration to a schema that this code does not support or, unless
        `even_handed_over`, if the connector was handed over, since it would send its detections again.
        """
        with speak_plainly():
            if not any(
                self._has_taken(wait_s, even_handed_over)
                for wait_s in (0, *[LOCK_TURN_S] * (patience_s // LOCK_TURN_S))
            ):
                raise RetriableError(
                    f"Another run of {self.connector} is submitting: this one waits for it.", retry_after_s=LOCK_WAIT_S
                )

    def _has_taken(self, wait_s: int, even_handed_over: bool) -> bool:
        with self.connection.begin():
            taken = has_got(self.connection, _ENTER, wait_s or 1) and self._has_lock(wait_s)
            if taken:
                check_version(self.connection)
                successor, *taken_as = self.connection.execute(_TAKE, {"id": self.number}).one()
                if successor is not None and not even_handed_over:
                    raise ConfigurationError(
                        f"Connector {self.connector} was handed over to {successor}, which knows what was delivered. "
                        f"Remove {self.connector} from the connectors file, or hand it back: "
                        f"`python -m ci_operators ledger hand-over {successor} {self.connector}`."
                    )
                self.fence, self.taken_at, *streak = taken_as
                self.streak = Streak(*streak)
        return taken

    def _has_lock(self, wait_s: int) -> bool:
        ours = {"space": LOCK_SPACE, "id": self.number}
        if wait_s:
            return has_got(self.connection, _LOCK, wait_s, **ours)
        return bool(self.connection.scalar(_TRY_LOCK, ours))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction of the run that holds the lease. Raises LedgerError if another run holds it."""
        with speak_plainly(), self.connection.begin():
            self.prove()
            yield

    def prove(self) -> None:
        """Raise LedgerError, within the connection's transaction, unless this run still holds the lease."""
        if self.connection.execute(_PROVE, {"id": self.number, "fence": self.fence}).first() is None:
            raise self.lost()

    def lost(self) -> LedgerError:
        """Return the error of a run that was replaced."""
        return LedgerError(
            f"Another run of {self.connector} has taken over, since this one lost its session of the ledger: it sends "
            "no more. Its next try sends what is left."
        )
