"""What a submitting run asks and tells the ledger. One connection, one connector, one run at a time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, TextClause, select
from sqlalchemy.dialects.postgresql import insert

from ci_operators.core.errors import LedgerError
from ci_operators.core.text import storable
from ci_operators.ledger import delivery_sql as sql
from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.breaker import Streak, keep_streak
from ci_operators.ledger.bulk import copy_rows
from ci_operators.ledger.lease import Lease
from ci_operators.ledger.quarantined import digest_record, keep_entries, make_entry
from ci_operators.ledger.row import Row
from ci_operators.ledger.tables import State

COLUMNS = ("key", "batch_id", "connector_id", "event_id", "indicator_type", "indicator", "detected_at", "codes")


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What the ledger knows of a detection it has met: its state, and why it is in it.

    resends: how often it has been sent again though it may have arrived; by_run: whether this run sent it last, in any
    of its tries; by_try: whether this very try did.
    """

    state: State
    note: str | None
    resends: int = 0
    by_run: bool = False
    by_try: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Detections of one request, with the ledger's number for it.

    resends: how often they have been sent again once this request has left; above 0 an earlier one may have arrived,
    so that they are unknown until this one is accepted.
    """

    number: int
    rows: Sequence[Row]
    resends: int = 0

    def state_if_not_sent(self, state: State) -> State:
        """Return the state that the batch has while this request of it has not left: `state`, if it is the first."""
        return State.UNKNOWN if self.resends else state


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What a run has sent, in all its tries: batches accepted, detections accepted by indicator type, sent again."""

    batches: int
    accepted: Counter[str]
    resent: int


class Deliveries:
    """The ledger of one connector's run. Every method is one transaction, committed when it returns.

    What changes anything proves that the run still holds the lease which `lock` took. Two things are facts, whoever
    holds it: that the API accepted a batch, and that nobody can say whether it did.
    Raises LedgerError when the database fails: then nothing of the call has happened.
    clear_number: how often the run was cleared; a count by run begins anew with it.
    """

    def __init__(
        self,
        connection: Connection,
        connector: str,
        run_id: str,
        destination: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clear_number: int = 0,
    ) -> None:
        self.connection = connection
        self.connector = connector
        self.run_id = run_id
        self.destination = destination
        self.clear_number = clear_number
        self.since = "-infinity"  # of the deliveries that this run counts
        self.is_told = False  # whether an earlier try has come to its end, and has told its counts
        self._now = now
        self._day = now().date()  # of the last reservation: what it took is given back to that day
        with speak_plainly(), connection.begin():
            self.lease = Lease(connection, connector, find_connector(connection, connector))
        self._run = {"connector": self.lease.number, "run": run_id}

    def lock(self, patience_s: int = 0, *, even_handed_over: bool = False) -> Deliveries:
        """Return the deliveries once they are the only ones of the connector: see `Lease.take`."""
        self.lease.take(patience_s, even_handed_over=even_handed_over)
        with speak_plainly(), self.connection.begin():
            found = self.connection.execute(sql.SINCE, {**self._run, "clear_number": self.clear_number}).first()
        self.since, self.is_told = found or (self.since, False)
        return self

    def check_breaker(self) -> None:
        """Raise RetriableError if the connector has stopped sending, and no trial is due."""
        self.lease.streak.check(self.connector, self._now())

    def recover(self) -> int:
        """Mark as unknown what a run reserved that is no more; return the number of detections.

        The lease is ours, so the run that reserved them has died or lost the database.
        """
        with self.lease.transaction():
            return sum(self.connection.scalars(sql.RECOVER, self._run))

    def find(self, rows: Sequence[Row]) -> dict[bytes, DeliveryState]:
        """Return what is known of those of the rows that the ledger has met."""
        values = {**self._run, "since": self.since, "taken_at": self.lease.taken_at, "keys": [row.key for row in rows]}
        with speak_plainly(), self.connection.begin():
            found = self.connection.execute(sql.FIND, values)
            return {bytes(key): DeliveryState(State(state), *rest) for key, state, *rest in found}

    def plan(self, batches: Sequence[Sequence[Row]], known: Iterable[bytes], *, resends: int = 0) -> list[Batch]:
        """Write batches that are to be sent; rows that the ledger has met (`known`) change their batch."""
        met = set(known)
        with self.lease.transaction():
            state = State.UNKNOWN if resends else State.PLANNED
            planned = [Batch(self._insert_batch(len(rows), state, resends), rows, resends) for rows in batches]
            new = [(batch.number, row) for batch in planned for row in batch.rows if row.key not in met]
            copy_rows(self.connection, "detection", COLUMNS, [self._fields(number, row) for number, row in new])
            moved = [(batch.number, row.key) for batch in planned for row in batch.rows if row.key in met]
            if moved:
                numbers, keys = zip(*moved, strict=True)
                self.connection.execute(sql.MOVE, {"keys": list(keys), "numbers": list(numbers)})
        return planned

    def reserve(self, batch: Batch, most: int, *, accepted: Batch | None = None) -> bool:
        """Settle the batch before (`accepted`) and reserve this one, at once.

        Returns False, and reserves nothing, when the destination's day would have more than `most` detections.
        Raises LedgerError when another run holds the lease.
        """
        self._day = self._now().date()
        values = {
            **self._spending(len(batch.rows)),
            **self._run,
            "most": most,
            "fence": self.lease.fence,
            "number": batch.number,
            "accepted": None if accepted is None else accepted.number,
        }
        with speak_plainly(), self.connection.begin():
            is_ours, is_reserved = self.connection.execute(sql.RESERVE, values).one()
        if not is_ours:
            raise self.lease.lost()
        return bool(is_reserved)

    def accept(self, batch: Batch) -> None:
        """Record that the API stored the batch; it ends a streak of unknown outcomes."""
        self._record(sql.ACCEPT, {"number": batch.number}, Streak())

    def mark_unknown(self, batch: Batch, note: str) -> None:
        """Record that nobody can say whether the API stored the batch."""
        values = {"number": batch.number, "state": State.UNKNOWN, "note": storable(note)}
        self._record(sql.SETTLE, values, self.lease.streak.longer(self._now()))

    def release(self, batch: Batch) -> None:
        """Record that the API stored nothing of the batch: it can be sent again, and its budget is given back."""
        with self.lease.transaction():
            state = batch.state_if_not_sent(State.PLANNED)
            self.connection.execute(sql.RELEASE, {"number": batch.number, "state": state})
            self.connection.execute(sql.GIVE_BACK, self._spending(len(batch.rows)))

    def reject(self, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        """Record that the API refuses these detections, whatever becomes of their batch, and keep their texts."""
        with self.lease.transaction():
            self._override([row.key for row in rows], State.REJECTED, [messages[row.key] for row in rows])
            self._quarantine("rejected_by_api", rows, messages)

    def keep(self, issue: str, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        """Keep the texts of detections that are not to be sent again: refused, or of unknown outcome.

        An entry that was closed after its detection was last sent stays closed.
        """
        keys, digests = [row.key for row in rows], [digest_record(row.text) for row in rows]
        with self.lease.transaction():
            values = {"connector": self.lease.number, "keys": keys, "digests": digests}
            closed = {bytes(key) for key in self.connection.scalars(sql.CLOSED, values)}
            self._quarantine(issue, [row for row in rows if row.key not in closed], messages)

    def confirm(self, keys: Sequence[bytes]) -> None:
        """Record that the API has these detections, as a search told."""
        with self.lease.transaction():
            self._override(keys, State.ACCEPTED, ["found by search"] * len(keys))

    def put_off(self, batch: Batch) -> None:
        """Keep a planned batch until there is budget for it: a later run of the connector sends it."""
        keys, texts = [row.key for row in batch.rows], [row.text for row in batch.rows]
        with self.lease.transaction():
            state = batch.state_if_not_sent(State.WAITING)
            values = {"number": batch.number, "state": state, "note": "the day's budget is spent"}
            self.connection.execute(sql.SETTLE, values)
            self.connection.execute(sql.QUEUE, {"connector": self.lease.number, "keys": keys, "texts": texts})

    def take_waiting(self, limit: int) -> list[bytes]:
        """Return the texts of the detections that have waited longest."""
        waiting = tables.waiting
        query = select(waiting.c.detection).where(waiting.c.connector_id == self.lease.number)
        with speak_plainly(), self.connection.begin():
            return [bytes(found) for found in self.connection.scalars(query.order_by(waiting.c.id).limit(limit))]

    def forget_waiting(self, rows: Sequence[Row]) -> None:
        """Take detections off the waiting list: they are on their way, or have arrived."""
        with self.lease.transaction():
            self.connection.execute(sql.FORGET_WAITING, {"keys": [row.key for row in rows]})

    def count_run(self) -> RunCounts:
        """Return what this run has sent, in all its tries."""
        with speak_plainly(), self.connection.begin():
            batches, accepted, resent = self.connection.execute(sql.COUNT_RUN, {**self._run, "since": self.since}).one()
        return RunCounts(batches, Counter(accepted), int(resent))

    def count_left(self, most: int) -> int:
        """Return how many detections the destination may have today until there are `most`."""
        with speak_plainly(), self.connection.begin():
            spent, is_exhausted = self.connection.execute(sql.SPENT, self._spending(0)).first() or (0, False)
        return 0 if is_exhausted else max(most - spent, 0)

    def exhaust(self) -> None:
        """Record that the destination itself said its day's budget is spent."""
        with speak_plainly(), self.connection.begin():
            self.connection.execute(sql.EXHAUST, self._spending(0))

    def _record(self, statement: TextClause, values: Mapping[str, object], streak: Streak) -> None:
        """Record a fact, over a connection of its own when the session of this one has ended."""
        write = functools.partial(self._write_fact, statement=statement, values=values, streak=streak)
        try:
            write(self.connection)
        except LedgerError:
            with speak_plainly(), self.connection.engine.connect() as fresh:
                write(fresh)
        self.lease.streak = streak

    def _write_fact(
        self, connection: Connection, *, statement: TextClause, values: Mapping[str, object], streak: Streak
    ) -> None:
        with speak_plainly(), connection.begin():
            connection.execute(statement, values)
            if streak != self.lease.streak:
                keep_streak(connection, self.lease.number, self.lease.fence, streak)

    def _spending(self, count: int) -> dict[str, object]:
        return {"destination": self.destination, "day": self._day, "count": count}

    def _insert_batch(self, size: int, state: State, resends: int) -> int:
        values = {"connector_id": self.lease.number, "run_id": self.run_id, "destination": self.destination}
        values |= {"state": state, "size": size, "resends": resends}
        statement = tables.batch.insert().values(values).returning(tables.batch.c.id)
        return int(self.connection.execute(statement).scalar_one())

    def _fields(self, number: int, row: Row) -> tuple[object, ...]:
        return row.key, number, self.lease.number, *(getattr(row, name) for name in COLUMNS[3:])

    def _override(self, keys: Sequence[bytes], state: State, issues: Sequence[str]) -> None:
        values = {"keys": list(keys), "state": state, "issues": [storable(issue) for issue in issues]}
        self.connection.execute(sql.OVERRIDE, values)

    def _quarantine(self, issue: str, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        """Keep detections with their texts, and take them off the waiting list, which has the only other copy."""
        place = (self.lease.number, self.run_id, "submit")
        entries = [make_entry(*place, issue, row.event_id, messages[row.key], row.text) for row in rows]
        keep_entries(self.connection, entries)
        self.connection.execute(sql.FORGET_WAITING, {"keys": [row.key for row in rows]})


def find_connector(connection: Connection, name: str) -> int:
    """Return the ledger's number for a connector; a new one gets one."""
    connector = tables.connector
    query = select(connector.c.id).where(connector.c.name == name)
    number = connection.scalar(query)
    if number is None:
        connection.execute(insert(connector).values(name=name).on_conflict_do_nothing())
        number = connection.execute(query).scalar_one()
    return int(number)
