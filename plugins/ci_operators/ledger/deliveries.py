"""The ledger for a submitting run: one connection, one connector, one run at a time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, TextClause, select
from sqlalchemy.dialects.postgresql import insert

from ci_operators.core.errors import LedgerError
from ci_operators.core.text import storable
from ci_operators.ledger import delivery_sql as sql
from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.batch import Batch, DeliveryState, RunCounts
from ci_operators.ledger.breaker import Streak, keep_streak
from ci_operators.ledger.budget import DailyBudget
from ci_operators.ledger.bulk import copy_lines
from ci_operators.ledger.keys import key_array
from ci_operators.ledger.lease import Lease
from ci_operators.ledger.quarantined import digest_record, keep_entries, make_entry
from ci_operators.ledger.row import COLUMNS, Row
from ci_operators.ledger.tables import State


class Deliveries:
    """The ledger of one connector's run. Every method is one transaction, committed when it returns.

    Every change checks that the run still holds the lease which `lock` took. Two outcomes are recorded without the
    lease: that the API accepted a batch, and that the outcome of a batch is unknown.
    Raises LedgerError when the database fails: then the call has changed nothing.
    clear_number: how often the run was cleared. The counts of the run start over after a clear.
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
        self.is_told = False  # whether an earlier try ended and reported its counts
        self._now = now
        self.budget = DailyBudget(connection, destination, now)
        with speak_plainly(), connection.begin():
            self.lease = Lease(connection, connector, find_connector(connection, connector))
        self._run = {"connector": self.lease.number, "run": run_id}

    def lock(self, patience_s: int = 0, *, even_handed_over: bool = False) -> Deliveries:
        """Take the connector's lease (see `Lease.take`), and return the deliveries."""
        self.lease.take(patience_s, even_handed_over=even_handed_over)
        with speak_plainly(), self.connection.begin():
            found = self.connection.execute(sql.SINCE, {**self._run, "clear_number": self.clear_number}).first()
        self.since, self.is_told = found or (self.since, False)
        return self

    def check_breaker(self) -> None:
        """Raise RetriableError if the connector has stopped sending and no trial is due."""
        self.lease.streak.check(self.connector, self._now())

    def recover(self) -> int:
        """Mark detections reserved by a run that has ended as unknown. Return their number.

        This run has the lease, so the run that reserved them has died or lost the database.
        """
        with self.lease.transaction():
            return sum(self.connection.scalars(sql.RECOVER, self._run))

    def find(self, rows: Sequence[Row]) -> dict[bytes, DeliveryState]:
        """Return the states of the rows that are in the ledger."""
        values = {**self._run, "since": self.since, "taken_at": self.lease.taken_at}
        values["keys"] = key_array(row.key for row in rows)
        with speak_plainly(), self.connection.begin():
            found = self.connection.execute(sql.FIND, values)
            return {bytes(key): DeliveryState(State(state), *rest) for key, state, *rest in found}

    def plan(self, batches: Sequence[Sequence[Row]], known: Iterable[bytes], *, resends: int = 0) -> list[Batch]:
        """Write planned batches. Rows that are in the ledger (`known`) move to their new batch."""
        met = set(known)
        with self.lease.transaction():
            state = State.UNKNOWN if resends else State.PLANNED
            numbers = self._insert_batches(batches, state, resends)
            planned = [Batch(number, rows, resends) for number, rows in zip(numbers, batches, strict=True)]
            new = [(batch.number, row) for batch in planned for row in batch.rows if row.key not in met]
            lines = (row.to_line(number, self.lease.number) for number, row in new)
            copy_lines(self.connection, "detection", COLUMNS, lines)
            moved = [(batch.number, row.key) for batch in planned for row in batch.rows if row.key in met]
            if moved:
                values = {"keys": key_array(key for _, key in moved), "numbers": [number for number, _ in moved]}
                self.connection.execute(sql.MOVE, values)
        return planned

    def reserve(self, batches: Sequence[Batch], most: int, *, accepted: Sequence[Batch] = ()) -> bool:
        """Settle the batches in `accepted` and reserve these, in one transaction.

        Return False, and reserve nothing, if the destination would have more than `most` detections for the day.
        Raises LedgerError when another run holds the lease.
        """
        values = {
            **self.budget.spend(batches),
            **self._run,
            "most": most,
            "fence": self.lease.fence,
            "numbers": _numbers(batches),
            "accepted": _numbers(accepted),
        }
        with speak_plainly(), self.connection.begin():
            is_ours, is_reserved = self.connection.execute(sql.RESERVE, values).one()
        self.budget.settle(accepted)
        if not is_ours:
            raise self.lease.lost()
        return bool(is_reserved)

    def accept(self, batches: Sequence[Batch]) -> None:
        """Record that the API stored the batches, which ends a streak of unknown outcomes."""
        self._record(sql.ACCEPT, {"numbers": _numbers(batches)}, Streak())

    def mark_unknown(self, batch: Batch, note: str) -> None:
        """Record that it is unknown whether the API stored the batch."""
        values = {"number": batch.number, "state": State.UNKNOWN, "note": storable(note)}
        self._record(sql.SETTLE, values, self.lease.streak.longer(self._now()))

    def release(self, batch: Batch) -> None:
        """Record that the API stored nothing of the batch. It can be sent again, and its budget is returned."""
        with self.lease.transaction():
            state = batch.state_if_not_sent(State.PLANNED)
            self.connection.execute(sql.RELEASE, {"number": batch.number, "state": state})
            self.budget.give_back(batch)

    def reject(self, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        """Record that the API refuses these detections, whatever the outcome of their batch, and keep their texts."""
        with self.lease.transaction():
            self._override([row.key for row in rows], State.REJECTED, [messages[row.key] for row in rows])
            self._quarantine("rejected_by_api", rows, messages)

    def keep(self, issue: str, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        """Keep the texts of detections that must not be sent again: refused, or of unknown outcome.

        An entry that was closed after its detection was last sent stays closed.
        """
        keys, digests = [row.key for row in rows], [digest_record(row.text) for row in rows]
        with self.lease.transaction():
            values = {"connector": self.lease.number, "keys": keys, "digests": digests}
            closed = {bytes(key) for key in self.connection.scalars(sql.CLOSED, values)}
            self._quarantine(issue, [row for row in rows if row.key not in closed], messages)

    def confirm(self, keys: Sequence[bytes]) -> None:
        """Record that a search found these detections in the API."""
        with self.lease.transaction():
            self._override(keys, State.ACCEPTED, ["found by search"] * len(keys))

    def put_off(self, batch: Batch) -> None:
        """Keep a planned batch until there is budget. A later run of the connector sends it."""
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
        """Remove detections from the waiting list, since they are being sent or have arrived."""
        with self.lease.transaction():
            self.connection.execute(sql.FORGET_WAITING, {"keys": key_array(row.key for row in rows)})

    def count_run(self) -> RunCounts:
        """Return what this run has sent, in all its tries."""
        with speak_plainly(), self.connection.begin():
            batches, accepted, resent = self.connection.execute(sql.COUNT_RUN, {**self._run, "since": self.since}).one()
        return RunCounts(batches, Counter(accepted), int(resent))

    def _record(self, statement: TextClause, values: Mapping[str, object], streak: Streak) -> None:
        """Record an outcome, over another connection if this session has ended."""
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

    def _insert_batches(self, batches: Sequence[Sequence[Row]], state: State, resends: int) -> list[int]:
        values = {**self._run, "destination": self.destination, "state": state, "resends": resends}
        found = self.connection.scalars(sql.INSERT_BATCHES, {**values, "sizes": [len(rows) for rows in batches]})
        return sorted(found)  # in the order of the sizes

    def _override(self, keys: Sequence[bytes], state: State, issues: Sequence[str]) -> None:
        values = {"keys": list(keys), "state": state, "issues": [storable(issue) for issue in issues]}
        self.connection.execute(sql.OVERRIDE, values)

    def _quarantine(self, issue: str, rows: Sequence[Row], messages: Mapping[bytes, str]) -> None:
        """Keep detections with their texts, and remove them from the waiting list, which has the only other copy."""
        place = (self.lease.number, self.run_id, "submit")
        entries = [make_entry(*place, issue, row.event_id, messages[row.key], row.text) for row in rows]
        keep_entries(self.connection, entries)
        self.connection.execute(sql.FORGET_WAITING, {"keys": key_array(row.key for row in rows)})


def _numbers(batches: Sequence[Batch]) -> list[int]:
    return [batch.number for batch in batches]


def find_connector(connection: Connection, name: str) -> int:
    """Return the ledger's number of a connector. A new connector is inserted."""
    connector = tables.connector
    query = select(connector.c.id).where(connector.c.name == name)
    number = connection.scalar(query)
    if number is None:
        connection.execute(insert(connector).values(name=name).on_conflict_do_nothing())
        number = connection.execute(query).scalar_one()
    return int(number)
