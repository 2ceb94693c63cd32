"""All events of the Okta tenant: the scenario's, those given, those added; readable in two orders."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Literal

import orjson

from simulator.elements import decode_element
from simulator.instants import HOUR, parse_zoned
from simulator.scenario.okta_events import MAX_DELAY, okta_hour

Order = Literal["published", "persisted"]
TIMELESS: Final = 0
_ADDED_SERIAL: Final = 1 << 40
_KEPT_HOURS: Final = 150


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One element of the log; without a readable `published` it is TIMELESS: in every window, first."""

    published: int
    persisted: int
    serial: int
    event: Any
    payload: bytes

    def key(self, order: Order) -> tuple[int, int]:
        """Returns the place of the record in that order, unique in the log."""
        return (self.published if order == "published" else self.persisted, self.serial)


class OktaLog:
    """The log; `seed` None means no scenario, only what is given or added."""

    def __init__(self, seed: int | None) -> None:
        self._hour = None if seed is None else lru_cache(maxsize=_KEPT_HOURS)(partial(_scenario_hour, seed))
        self._added: dict[Order, list[LogRecord]] = {"published": [], "persisted": []}
        self._timeless: list[LogRecord] = []
        self._count = 0

    def add(self, element: object, persisted: int | None = None) -> None:
        """Adds an element verbatim (bytes: raw JSON); stored at its `published` unless told otherwise."""
        event, payload = decode_element(element)
        published = _published_of(event)
        stored = published if persisted is None else persisted
        record = LogRecord(published, stored, _ADDED_SERIAL + self._count, event, payload)
        self._count += 1
        if published == TIMELESS:
            self._timeless.append(record)
            return
        for order, records in self._added.items():
            insort(records, record, key=lambda item, order=order: item.key(order))  # type: ignore[misc]

    def scan(self, order: Order, start: int, end: int, reverse: bool = False) -> Iterator[LogRecord]:
        """Yields the records with a time in [start, end), timeless ones first (last if reversed)."""
        if not reverse:
            yield from self._timeless
        chunks = self._chunks(start, end)
        for first, last in reversed(chunks) if reverse else chunks:
            records = self._span(order, first, last)
            yield from reversed(records) if reverse else records
        if reverse:
            yield from reversed(self._timeless)

    def _chunks(self, start: int, end: int) -> list[tuple[int, int]]:
        if self._hour is None:
            return [(start, end)] if start < end else []
        return [
            (max(start, hour * HOUR), min(end, (hour + 1) * HOUR)) for hour in range(start // HOUR, -(-end // HOUR))
        ]

    def _span(self, order: Order, start: int, end: int) -> list[LogRecord]:
        records = self._added[order]
        first = bisect_left(records, (start, -1), key=lambda record: record.key(order))
        last = bisect_left(records, (end, -1), key=lambda record: record.key(order))
        added = records[first:last]
        if self._hour is None:
            return added
        reach = MAX_DELAY if order == "persisted" else 0
        hours = range((start - reach) // HOUR, -(-end // HOUR))
        planned = [r for hour in hours for r in self._hour(hour) if start <= r.key(order)[0] < end]
        planned.sort(key=lambda record: record.key(order))
        return list(heapq.merge(planned, added, key=lambda record: record.key(order))) if added else planned


def _published_of(event: Any) -> int:
    text = event.get("published") if isinstance(event, dict) else None
    return (parse_zoned(text) if isinstance(text, str) else None) or TIMELESS


def _scenario_hour(seed: int, hour: int) -> tuple[LogRecord, ...]:
    return tuple(
        LogRecord(plan.published, plan.persisted, hour * 100_000 + index, plan.event, orjson.dumps(plan.event))
        for index, plan in enumerate(okta_hour(seed, hour))
    )
