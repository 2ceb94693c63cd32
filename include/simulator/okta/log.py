"""All events of the Okta tenant, in order of publication: the scenario's, those given, those added."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import orjson

from simulator.exchange import decode_element
from simulator.instants import HOUR, parse_zoned
from simulator.okta.scenario import okta_hour

TIMELESS: Final = 0
_ADDED_SERIAL: Final = 1 << 40
_KEPT_HOURS: Final = 150


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One element, visible from `persisted` on; without a readable `published` it is TIMELESS: always there, first."""

    published: int
    persisted: int
    serial: int
    event: Any
    payload: bytes

    @property
    def place(self) -> tuple[int, int]:
        """The place of the record in the log, unique."""
        return self.published, self.serial


class OktaLog:
    """The log; `seed` None means no scenario, only what is added."""

    def __init__(self, seed: int | None) -> None:
        self._hour: Callable[[int], list[LogRecord]] | None = None
        if seed is not None:
            self._hour = lru_cache(maxsize=_KEPT_HOURS)(partial(_scenario_hour, seed))
        self._added: list[LogRecord] = []
        self._timeless: list[LogRecord] = []

    def add(self, element: object, persisted: int | None = None) -> None:
        """Add an element verbatim (bytes: raw JSON); stored at its `published` unless told otherwise."""
        event, payload = decode_element(element)
        published = _published_of(event)
        serial = _ADDED_SERIAL + len(self._added) + len(self._timeless)
        record = LogRecord(published, published if persisted is None else persisted, serial, event, payload)
        if published == TIMELESS:
            self._timeless.append(record)
        else:
            insort(self._added, record, key=_place)

    def scan(self, start: int, end: int) -> Iterator[LogRecord]:
        """Yield the records published in [start, end), timeless ones first."""
        yield from self._timeless
        if self._hour is None:
            yield from self._span(start, end)
            return
        for hour in range(start // HOUR, -(-end // HOUR)):
            first, last = max(start, hour * HOUR), min(end, (hour + 1) * HOUR)
            planned = [record for record in self._hour(hour) if first <= record.published < last]
            yield from sorted([*planned, *self._span(first, last)], key=_place)

    def _span(self, start: int, end: int) -> list[LogRecord]:
        first, last = (bisect_left(self._added, (moment, -1), key=_place) for moment in (start, end))
        return self._added[first:last]


def _place(record: LogRecord) -> tuple[int, int]:
    return record.place


def _published_of(event: Any) -> int:
    text = event.get("published") if isinstance(event, dict) else None
    return (parse_zoned(text) if isinstance(text, str) else None) or TIMELESS


def _scenario_hour(seed: int, hour: int) -> list[LogRecord]:
    return [
        LogRecord(plan.published, plan.persisted, hour * 100_000 + index, plan.event, orjson.dumps(plan.event))
        for index, plan in enumerate(okta_hour(seed, hour))
    ]
