"""Read the quarantine a page at a time, and write the outcomes of its entries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from ci_operators.core.text import storable
from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly

#: Entries in memory at once, each with its record.
PAGE = 500

_q, _c = tables.quarantine, tables.connector
_IS_OPEN = or_(_q.c.replayed_at.is_(None), _q.c.replayed_at < _q.c.seen_at)


@dataclass(frozen=True, slots=True)
class Entry:
    """A quarantined record with its issue. is_open: it is not settled, or it came again since."""

    id: int
    connector: str
    run_id: str
    stage: str
    event_id: str | None
    issue: str
    detail: str
    seen_at: datetime
    replayed_at: datetime | None
    replay_note: str | None
    record: bytes = b""

    @property
    def is_open(self) -> bool:
        """Return whether the entry is not settled."""
        return self.replayed_at is None or self.replayed_at < self.seen_at


@dataclass(frozen=True, slots=True)
class Overdue:
    """The number of open entries older than the retention, and when the oldest was seen."""

    records: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """The entries to select: open ones unless `settled_too`. None does not filter. before: ids below it."""

    connectors: Sequence[str] | None = None
    issue: str | None = None
    stage: str | None = None
    event_id: str | None = None
    since: datetime | None = None
    ids: Sequence[int] | None = None
    before: int | None = None
    after: int = 0
    settled_too: bool = False


def find_newest(connection: Connection, wanted: Wanted, limit: int) -> list[Entry]:
    """Return the newest entries, newest first, without their records."""
    query = _select(wanted, _q.c.seen_at.isnot(None)).order_by(_q.c.id.desc()).limit(limit)
    return _read(connection, query)


def read_pages(connection: Connection, wanted: Wanted, size: int = PAGE) -> Iterator[list[Entry]]:
    """Yield the entries with their records, oldest first, by page. Entries that are settled meanwhile shift no page."""
    while True:
        query = _select(wanted, _q.c.id > wanted.after).add_columns(_q.c.record).order_by(_q.c.id).limit(size)
        page = _read(connection, query)
        if page:
            yield page
        if len(page) < size:
            return
        wanted = replace(wanted, after=page[-1].id)


def count_entries(connection: Connection, wanted: Wanted) -> int:
    """Return how many entries there are."""
    query = _select(wanted, _q.c.id > wanted.after).with_only_columns(func.count())
    with speak_plainly(), connection.begin():
        return int(connection.scalar(query) or 0)


def find_overdue(connection: Connection, connector_ids: Iterable[int], before: datetime) -> dict[int, Overdue]:
    """Return how many open entries were seen before an instant, by connector number."""
    query = (
        select(_q.c.connector_id, func.count(), func.min(_q.c.seen_at))
        .where(_q.c.connector_id.in_(list(connector_ids)), _IS_OPEN, _q.c.seen_at < before)
        .group_by(_q.c.connector_id)
    )
    with speak_plainly(), connection.begin():
        return {number: Overdue(*rest) for number, *rest in connection.execute(query)}


def close_entries(connection: Connection, ids: Sequence[int], note: str) -> None:
    """Record, within the connection's transaction, that the entries are settled."""
    _write(connection, ids, {"replayed_at": func.clock_timestamp(), "replay_note": note[:500]})


def note_entries(connection: Connection, ids: Sequence[int], note: str) -> None:
    """Record, within the connection's transaction, the result of a replay. The entries stay open."""
    _write(connection, ids, {"replayed_at": None, "replay_note": note[:500]})


def make_entry(
    connector_id: int, run_id: str, stage: str, issue: str, event_id: str | None, detail: str, record: bytes
) -> dict[str, Any]:
    """Return the row of a record that a stage could not pass on."""
    return {
        "connector_id": connector_id,
        "run_id": run_id,
        "stage": stage,
        "event_id": event_id and storable(event_id),
        "issue": issue,
        "detail": storable(detail),
        "record": record,
        "record_digest": digest_record(record),
    }


def digest_record(record: bytes) -> bytes:
    """Return the digest that identifies a record among those of a connector's stage."""
    return hashlib.sha256(record).digest()


def keep_entries(connection: Connection, entries: Sequence[dict[str, Any]]) -> None:
    """Write rows within the connection's transaction. A record that comes again gets its newest issue."""
    statement = insert(tables.quarantine)
    newest = statement.on_conflict_do_update(
        index_elements=["connector_id", "stage", "record_digest"],
        set_={name: statement.excluded[name] for name in ("issue", "detail", "run_id", "seen_at")},
    )
    if entries:
        connection.execute(newest, list({entry["record_digest"]: entry for entry in entries}.values()))


def _select(wanted: Wanted, first: Any) -> Select[Any]:
    columns = [_q.c.id, _c.c.name, *(_q.c[name] for name in Entry.__slots__[2:-1])]
    conditions = [first]
    if not wanted.settled_too:
        conditions.append(_IS_OPEN)
    if wanted.connectors is not None:
        conditions.append(_c.c.name.in_(wanted.connectors))
    if wanted.ids is not None:
        conditions.append(_q.c.id.in_(wanted.ids))
    if wanted.before is not None:
        conditions.append(_q.c.id < wanted.before)
    if wanted.since is not None:
        conditions.append(_q.c.seen_at >= wanted.since)
    for name in ("issue", "stage", "event_id"):
        if getattr(wanted, name) is not None:
            conditions.append(_q.c[name] == getattr(wanted, name))
    return select(*columns).join(_c, _c.c.id == _q.c.connector_id).where(*conditions)


def _read(connection: Connection, query: Select[Any]) -> list[Entry]:
    with speak_plainly(), connection.begin():
        return [Entry(*row) for row in connection.execute(query)]


def _write(connection: Connection, ids: Sequence[int], values: dict[str, Any]) -> None:
    if ids:
        connection.execute(update(_q).where(_q.c.id.in_(ids)).values(values))
