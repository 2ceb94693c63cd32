"""The ledger's tables.

A detection's state is that of its batch, so that settling a batch is an update of one row. A detection whose outcome
differs from its batch (refused by the API) has its own state.
"""

from __future__ import annotations

import re
from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TextClause,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


class State(IntEnum):
    """The state of a detection.

    PLANNED: not sent. RESERVED: its request is about to leave, or has left. ACCEPTED: stored by the API.
    REJECTED: refused by the API. UNKNOWN: its request may have arrived. WAITING: not sent, since the budget is spent.
    """

    PLANNED = 0
    RESERVED = 1
    ACCEPTED = 2
    REJECTED = 3
    UNKNOWN = 4
    WAITING = 5


_STATES = re.compile(rf"\b({'|'.join(State.__members__)})\b")


def make_statement(sql: str) -> TextClause:
    """Return a statement in which states have their names, such as ACCEPTED."""
    return text(_STATES.sub(lambda name: str(int(State[name[0]])), sql))


metadata = MetaData()

_now = func.now()

connector = Table(
    "connector",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # Counts the leases of the connector: a run with an older number must not send.
    Column("fence", BigInteger, nullable=False, server_default="0"),
    # Consecutive unknown submissions, and the ends of the first and the last: see ledger/breaker.py.
    Column("unknown_streak", Integer, nullable=False, server_default="0"),
    Column("unknown_since", DateTime(timezone=True)),
    Column("unknown_at", DateTime(timezone=True)),
    # How far back the ledger knows what was delivered; null: nothing was deleted.
    Column("known_since", DateTime(timezone=True)),
    # The connector to which this one was handed over; null: it was not.
    Column("handed_over_to", Text),
)

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("connector_id", ForeignKey("connector.id"), nullable=False),
    Column("run_id", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    # How often its detections were sent again, including this request; 0: it is their first.
    Column("resends", SmallInteger, nullable=False, server_default="0"),
    Column("note", Text),
    Column("planned_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("reserved_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    # Rows that are not settled are rare and often queried.
    Index("batch_open", "connector_id", "state", postgresql_where=make_statement("state <> ACCEPTED")),
    Index("batch_settled", "settled_at", postgresql_using="brin"),
    Index(
        "batch_accepted",
        "connector_id",
        "settled_at",
        postgresql_include=["id", "size"],
        postgresql_where=make_statement("state = ACCEPTED"),
    ),
    Index("batch_run", "connector_id", "run_id", "id"),
    Index("batch_resent", "connector_id", "reserved_at", postgresql_where=text("resends > 0")),
)

detection = Table(
    "detection",
    metadata,
    # 8 bytes of the event's hash, 8 of the indicator's: all detections of an event are adjacent.
    Column("key", LargeBinary, primary_key=True),
    Column("batch_id", ForeignKey("batch.id"), nullable=False),
    Column("connector_id", Integer, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("indicator_type", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("detected_at", DateTime(timezone=True), nullable=False),
    Column("codes", ARRAY(Text), nullable=False),
    Column("state", SmallInteger),
    Column("issue", Text),
    Column("first_seen", DateTime(timezone=True), nullable=False, server_default=_now),
    Index("detection_batch", "batch_id"),
    # Rows with their own state that are not accepted are rare and often queried.
    Index(
        "detection_own_state",
        "connector_id",
        "state",
        postgresql_include=["batch_id"],
        postgresql_where=make_statement("state <> ACCEPTED"),
    ),
    Index("detection_detected_at", "detected_at", postgresql_using="brin"),
    # Covers the columns for counting, so that no row is read.
    Index("detection_time", "connector_id", "detected_at", postgresql_include=["key", "batch_id", "state"]),
    # An indicator may be too long for an index entry: its hash is not.
    Index("detection_indicator", text("hashtextextended(indicator, 0)"), "connector_id", "detected_at"),
)

waiting = Table(
    "waiting",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("connector_id", ForeignKey("connector.id"), nullable=False),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("detection", LargeBinary, nullable=False),
    Index("waiting_connector", "connector_id", "id"),
)

budget = Table(
    "budget",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("spent", Integer, nullable=False),
    Column("exhausted", Boolean, nullable=False, server_default="false"),
)

stage_run = Table(
    "stage_run",
    metadata,
    Column("connector_id", ForeignKey("connector.id"), primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("run_kind", Text, nullable=False),
    Column("debug", Boolean, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("records_in", BigInteger, nullable=False),
    Column("records_out", BigInteger, nullable=False),
    Column("dropped", JSONB, nullable=False),
    Column("quarantined", JSONB, nullable=False),
    Column("manifest", JSONB, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index("stage_run_finished", "connector_id", "finished_at"),
    # Windows of scheduled runs that succeeded, and the first of all.
    Index(
        "stage_run_window",
        "connector_id",
        "until",
        postgresql_where=text("run_kind = 'scheduled' AND NOT debug AND (stage = 'submit' OR records_out = 0)"),
    ),
    Index(
        "stage_run_begin",
        "connector_id",
        "since",
        postgresql_where=text("run_kind = 'scheduled' AND NOT debug AND stage = 'extract'"),
    ),
)

dropped_event = Table(
    "dropped_event",
    metadata,
    Column("event_key", LargeBinary, primary_key=True),
    Column("connector_id", ForeignKey("connector.id"), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index("dropped_seen", "seen_at", postgresql_using="brin"),
    Index("dropped_run", "connector_id", "run_id", "event_key"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("connector_id", ForeignKey("connector.id"), nullable=False),
    Column("run_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("event_id", Text),
    Column("issue", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    # The quarantined event (map, filter) or detection (validate, submit), byte for byte.
    Column("record", LargeBinary, nullable=False),
    Column("record_digest", LargeBinary, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("replayed_at", DateTime(timezone=True)),
    Column("replay_note", Text),
    Index("quarantine_record", "connector_id", "stage", "record_digest", unique=True),
    Index("quarantine_event", "event_id"),
    Index("quarantine_run", "connector_id", "run_id", "id"),
    Index(
        "quarantine_open",
        "connector_id",
        "issue",
        postgresql_where=text("replayed_at IS NULL OR replayed_at < seen_at"),
    ),
)

# Roll-ups, written only by the database's triggers (migration 0002).

#: Accepted detections by the UTC day they were detected on. `code`: an ATT&CK code, or one of the two below.
delivered_day = Table(
    "delivered_day",
    metadata,
    Column("connector_id", ForeignKey("connector.id"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("detections", BigInteger, nullable=False),
)
#: All detections of the day, those without any code.
ALL_CODES, NO_CODE = "*", ""

#: Records of live runs by the UTC day their stage ended on. `fate`: dropped, quarantined, or in (without code).
stage_day = Table(
    "stage_day",
    metadata,
    Column("connector_id", ForeignKey("connector.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("fate", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
)

#: Rows of `waiting`.
waiting_count = Table(
    "waiting_count",
    metadata,
    Column("connector_id", ForeignKey("connector.id"), primary_key=True, autoincrement=False),
    Column("detections", BigInteger, nullable=False),
)
