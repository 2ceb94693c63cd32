"""What a submitting run asks and tells the ledger. One connection, one connector, one run at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from ci_operators.core.errors import RetriableError
from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.bulk import copy_rows, storable
from ci_operators.ledger.patience import has_got
from ci_operators.ledger.row import Row
from ci_operators.ledger.tables import State
from ci_operators.ledger.version import check_version

#: Seconds until a run that found another one submitting looks again.
LOCK_WAIT_S = 90.0
#: Seconds for which a patient one stands in the queue at a time: in between a signal ends it, and others, a migration
#: for one, come before it.
LOCK_TURN_S = 2
#: Of the advisory locks of connectors, each with its number: who has it submits, or migrates.
LOCK_SPACE = 0x434C4F4B

COLUMNS = (
    "key",
    "batch_id",
    "connector_id",
    "event_id",
    "indicator_type",
    "indicator",
    "detected_at",
    "codes",
)
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:space, :id)")
_LOCK = text("SELECT pg_advisory_lock(:space, :id)")
_FIND = text(
    """
    SELECT d.key, coalesce(d.state, b.state), coalesce(d.issue, b.note)
    FROM detection d JOIN batch b ON b.id = d.batch_id
    WHERE d.key = ANY(:keys)
    """
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a detection it has met: its state, and why it is in it."""

    state: State
    note: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Detections of one request, with the ledger's number for it.

    resent: an earlier request with them may have arrived, so that they are unknown until this one is accepted.
    """

    number: int
    rows: Sequence[Row]
    resent: bool = False

    def state_if_not_sent(self, state: State) -> State:
        """Return the state that the batch has while this request of it has not left: `state`, if it is the first."""
        return State.UNKNOWN if self.resent else state


class Deliveries:
    """The ledger of one connector's run. Every method is one transaction, committed when it returns.

    Raises UnavailableError when the database fails: then nothing of the call has happened.
    """

    def __init__(
        self,
        connection: Connection,
        connector: str,
        run_id: str,
        destination: str,
        *,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self.connection = connection
        self.connector = connector
        self.run_id = run_id
        self.destination = destination
        self._today = today
        self._day = today()  # of the last reservation: what it took is given back to that day
        with speak_plainly(), connection.begin():
            self._connector_id = find_connector(connection, connector)

    def lock(self, patience_s: int = 0) -> None:
        """Become the only run that submits for the connector, as long as the connection lasts.

        patience_s: how long to wait for another run. Raises RetriableError when that is still at it, and
        ConfigurationError when it was a migration that we waited for, whose schema this code does not know.
        """
        with speak_plainly():
            if not any(self._has_got_lock(wait_s) for wait_s in (0, *[LOCK_TURN_S] * (patience_s // LOCK_TURN_S))):
                raise RetriableError(
                    f"Another run of {self.connector} is submitting: this one waits for it.", retry_after_s=LOCK_WAIT_S
                )

    def _has_got_lock(self, wait_s: int) -> bool:
        ours = {"space": LOCK_SPACE, "id": self._connector_id}
        with self.connection.begin():
            if wait_s:
                taken = has_got(self.connection, _LOCK, wait_s, **ours)
            else:
                taken = bool(self.connection.scalar(_TRY_LOCK, ours))
            if taken:
                check_version(self.connection)
        return taken

    def recover(self) -> int:
        """Mark as unknown what a run reserved that is no more; return the number of detections.

        The lock is ours, so whoever reserved them has died or lost the database.
        """
        batch = tables.batch
        with speak_plainly(), self.connection.begin():
            sizes = self.connection.scalars(
                update(batch)
                .where(batch.c.connector_id == self._connector_id, batch.c.state == State.RESERVED)
                .values(state=State.UNKNOWN, note="the task ended before the answer came")
                .returning(batch.c.size)
            )
            return sum(sizes)

    def find(self, rows: Sequence[Row]) -> dict[bytes, Known]:
        """Return what is known of those of the rows that the ledger has met."""
        with speak_plainly(), self.connection.begin():
            found = self.connection.execute(_FIND, {"keys": [row.key for row in rows]})
            return {bytes(key): Known(State(state), note) for key, state, note in found}

    def plan(self, batches: Sequence[Sequence[Row]], known: Iterable[bytes], *, resent: bool = False) -> list[Batch]:
        """Write batches that are to be sent; rows that the ledger has met (`known`) change their batch."""
        met = set(known)
        with speak_plainly(), self.connection.begin():
            state = State.UNKNOWN if resent else State.PLANNED
            planned = [Batch(self._insert_batch(len(rows), state, resent=resent), rows, resent) for rows in batches]
            new = [(batch.number, row) for batch in planned for row in batch.rows if row.key not in met]
            copy_rows(self.connection, "detection", COLUMNS, [self._fields(number, row) for number, row in new])
            moved = [(batch.number, row.key) for batch in planned for row in batch.rows if row.key in met]
            self._move(moved)
        return planned

    def reserve(self, batch: Batch, most: int, *, accepted: Batch | None = None) -> bool:
        """Settle the batch before (`accepted`) and reserve this one, at once.

        Returns False, and reserves nothing, when the destination's day would have more than `most` detections.
        """
        self._day = self._today()
        values = {
            **self._spending(len(batch.rows), most),
            "number": batch.number,
            "accepted": None if accepted is None else accepted.number,
        }
        with speak_plainly(), self.connection.begin():
            return self.connection.scalar(_RESERVE, values) is not None

    def accept(self, batch: Batch) -> None:
        """Record that the API stored the batch."""
        self._write(batch, State.ACCEPTED, None)

    def release(self, batch: Batch) -> None:
        """Record that the API stored nothing of the batch: it can be sent again, and its budget is given back."""
        with speak_plainly(), self.connection.begin():
            state = batch.state_if_not_sent(State.PLANNED)
            self.connection.execute(_RELEASE, {"number": batch.number, "state": state})
            self.connection.execute(_GIVE_BACK, self._spending(len(batch.rows), 0))

    def doubt(self, batch: Batch, note: str) -> None:
        """Record that nobody can say whether the API stored the batch."""
        self._write(batch, State.UNKNOWN, note)

    def reject(self, rows: Sequence[Row], issue: str) -> None:
        """Record that the API refuses these detections, whatever becomes of their batch."""
        self._override([row.key for row in rows], State.REJECTED, issue)

    def confirm(self, keys: Sequence[bytes]) -> None:
        """Record that the API has these detections, as a search told."""
        self._override(keys, State.ACCEPTED, "found by search")

    def put_off(self, batch: Batch) -> None:
        """Keep a planned batch until there is budget for it: a later run of the connector sends it."""
        keys, texts = [row.key for row in batch.rows], [row.text for row in batch.rows]
        values = {"connector": self._connector_id, "keys": keys, "texts": texts}
        with speak_plainly(), self.connection.begin():
            self._settle(batch, batch.state_if_not_sent(State.WAITING), "the day's budget is spent")
            self.connection.execute(_QUEUE, values)

    def take_waiting(self, limit: int) -> list[bytes]:
        """Return the texts of the detections that have waited longest."""
        waiting = tables.waiting
        query = (
            select(waiting.c.detection)
            .where(waiting.c.connector_id == self._connector_id)
            .order_by(waiting.c.id)
            .limit(limit)
        )
        with speak_plainly(), self.connection.begin():
            return [bytes(found) for found in self.connection.scalars(query)]

    def forget_waiting(self, rows: Sequence[Row]) -> None:
        """Take detections off the waiting list: they are on their way, or have arrived."""
        with speak_plainly(), self.connection.begin():
            keys = [row.key for row in rows]
            self.connection.execute(delete(tables.waiting).where(tables.waiting.c.key.in_(keys)))

    def count_resent(self) -> int:
        """Return how many detections this run has sent again, in all its tries, though they may have arrived."""
        with speak_plainly(), self.connection.begin():
            found = self.connection.scalar(_RESENT, {"connector": self._connector_id, "run": self.run_id})
        return int(found or 0)

    def exhaust(self) -> None:
        """Record that the destination itself said its day's budget is spent."""
        budget = tables.budget
        values = {"destination": self.destination, "day": self._day, "spent": 0, "exhausted": True}
        statement = insert(budget).values(values)
        with speak_plainly(), self.connection.begin():
            self.connection.execute(
                statement.on_conflict_do_update(index_elements=["destination", "day"], set_={"exhausted": True})
            )

    def _write(self, batch: Batch, state: State, note: str | None) -> None:
        with speak_plainly(), self.connection.begin():
            self._settle(batch, state, note)

    def _settle(self, batch: Batch, state: State, note: str | None) -> None:
        values = {"number": batch.number, "state": state, "note": None if note is None else storable(note)}
        self.connection.execute(_SETTLE, values)

    def _spending(self, count: int, most: int) -> dict[str, object]:
        return {"destination": self.destination, "day": self._day, "count": count, "most": most}

    def _insert_batch(self, size: int, state: State, *, resent: bool) -> int:
        values = {
            "connector_id": self._connector_id,
            "run_id": self.run_id,
            "destination": self.destination,
            "state": state,
            "size": size,
            "resends": int(resent),
        }
        return int(
            self.connection.execute(tables.batch.insert().values(values).returning(tables.batch.c.id)).scalar_one()
        )

    def _fields(self, number: int, row: Row) -> tuple[object, ...]:
        return (
            row.key,
            number,
            self._connector_id,
            row.event_id,
            row.indicator_type,
            row.indicator,
            row.detected_at,
            row.codes,
        )

    def _move(self, moved: Sequence[tuple[int, bytes]]) -> None:
        if moved:
            numbers, keys = zip(*moved, strict=True)
            self.connection.execute(_MOVE, {"keys": list(keys), "numbers": list(numbers)})

    def _override(self, keys: Sequence[bytes], state: State, issue: str) -> None:
        detection = tables.detection
        with speak_plainly(), self.connection.begin():
            self.connection.execute(
                update(detection).where(detection.c.key.in_(list(keys))).values(state=state, issue=storable(issue))
            )


#: One statement, one round trip for each batch: the batch before is settled, the day's budget spent if enough
#: is left, and only then the batch reserved.
_RESERVE = text(
    """
    WITH settled AS (UPDATE batch SET state = 2, note = NULL, settled_at = now() WHERE id = :accepted),
    spent AS (
        INSERT INTO budget AS b (destination, day, spent) SELECT :destination, :day, :count WHERE :count <= :most
        ON CONFLICT (destination, day) DO UPDATE SET spent = b.spent + :count
        WHERE b.spent + :count <= :most AND NOT b.exhausted
        RETURNING 1
    )
    UPDATE batch SET state = 1, attempts = attempts + 1, reserved_at = now()
    WHERE id = :number AND EXISTS (SELECT FROM spent) RETURNING id
    """
)
_GIVE_BACK = text(
    "UPDATE budget SET spent = greatest(spent - :count, 0) WHERE destination = :destination AND day = :day"
)
_RELEASE = text(
    "UPDATE batch SET state = :state, note = NULL, settled_at = now(), reserved_at = NULL WHERE id = :number"
)
#: Released batches have not been sent, and what was refused of a batch is stored nowhere.
_RESENT = text(
    """
    SELECT coalesce(sum(b.size - (SELECT count(*) FROM detection d WHERE d.batch_id = b.id AND d.state = 3)), 0)
    FROM batch b
    WHERE b.connector_id = :connector AND b.run_id = :run AND b.resends > 0 AND b.reserved_at IS NOT NULL
    """
)
#: One statement for all: triggers count once, not for each row.
_MOVE = text(
    """
    UPDATE detection d SET batch_id = m.number, state = NULL, issue = NULL
    FROM unnest(CAST(:keys AS bytea[]), CAST(:numbers AS bigint[])) m (key, number) WHERE d.key = m.key
    """
)
_QUEUE = text(
    """
    INSERT INTO waiting (connector_id, key, detection) SELECT :connector, w.key, w.detection
    FROM unnest(CAST(:keys AS bytea[]), CAST(:texts AS bytea[])) WITH ORDINALITY w (key, detection, place)
    ORDER BY w.place ON CONFLICT (key) DO NOTHING
    """
)
_SETTLE = text("UPDATE batch SET state = :state, note = :note, settled_at = now() WHERE id = :number")


def find_connector(connection: Connection, name: str) -> int:
    """Return the ledger's number for a connector; a new one gets one."""
    connector = tables.connector
    query = select(connector.c.id).where(connector.c.name == name)
    number = connection.scalar(query)
    if number is None:
        connection.execute(insert(connector).values(name=name).on_conflict_do_nothing())
        number = connection.execute(query).scalar_one()
    return int(number)
