"""The events of a tenant, each with its states over time: from the scenario, given, or added."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import orjson

from simulator.exchange import decode_element
from simulator.instants import HOUR, parse_zoned
from simulator.vendor import Setup, Tenant

TIMELESS: Final = 0
#: Serials of added events are greater than those of planned ones.
_ADDED: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Plan:
    """One event of a scenario as first shown, and as shown after each later change. kind: as in `Label`."""

    created: int
    visible: int
    event: Any
    changes: Sequence[tuple[int, dict[str, Any]]] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """What an event says of itself. kind: its type, or the list that holds it. serial: a number to sort it by."""

    event_id: Any
    created: int
    updated: int = TIMELESS
    kind: Any = ""
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the API shows of an event from one instant on."""

    valid_from: int
    updated: int
    event: Any
    payload: bytes


@dataclass(slots=True)
class Record:
    """One event. Without a readable time of creation it is TIMELESS: it passes every filter and comes first."""

    event_id: str
    created: int
    visible: int
    serial: int
    kind: Any
    states: list[State]

    @property
    def place(self) -> tuple[int, int]:
        """Return its unique place in the order of creation."""
        return self.created, self.serial

    def at(self, now: int) -> State:
        """Return the state at an instant; the first one is valid from the beginning."""
        for state in reversed(self.states):
            if state.valid_from <= now:
                return state
        return self.states[0]

    def change(self, at: int, event: Any) -> None:
        """Show another event from an instant on."""
        self.states.append(State(at, at, event, orjson.dumps(event)))


#: A record with the state that a request sees.
Shown = tuple[Record, State]


class Book:
    """The events. label: reads what an event says of itself. reach: longest time from a creation to the last change."""

    def __init__(
        self,
        setup: Setup,
        label: Callable[[dict[str, Any]], Label],
        plan_hour: Callable[[int, int], Iterable[Plan]],
        *,
        reach: int = 0,
        kept_hours: int = 1000,
    ) -> None:
        self.added: list[Record] = []
        self._label = label
        self._reach = reach + HOUR
        self._history = setup.history
        self._serials: set[int] = set()
        self._by_id: dict[str, Record] = {}
        self._hour: Callable[[int], list[Record]] | None = None
        if setup.seed is not None:
            self._hour = lru_cache(maxsize=kept_hours)(partial(self._make_hour, partial(plan_hour, setup.seed)))

    def add(self, element: object, visible: int | None = None) -> None:
        """Add an element unchanged (bytes: raw JSON), visible from its creation on by default."""
        event, payload = decode_element(element)
        created = self._read_label(event).created
        plan = Plan(created, created if visible is None else visible, event)
        record = self._make_record(plan, payload, _ADDED + len(self.added))
        while record.serial in self._serials:
            record.serial += 1
        self._serials.add(record.serial)
        insort(self.added, record, key=_place)

    def change(self, event_id: str, at: int, alter: Callable[[Any], Any]) -> None:
        """Show an added event altered from an instant on; raises KeyError if it is unknown."""
        record = next((each for each in self.added if each.event_id == event_id), None)
        if record is None:
            raise KeyError(f"no added event with id {event_id}")
        record.change(at, alter(record.states[-1].event))

    def existing(self, now: int, created_from: int = 0, updated_from: int = 0) -> Iterator[Record]:
        """Yield the events that are visible at `now`; the bounds only save work, the caller compares exactly."""
        start = max(now - self._history, created_from, updated_from - self._reach)
        for record in (*self.added, *self._planned(start, now + 1)):
            if record.visible <= now:
                yield record

    def shown(self, now: int, created_from: int = 0, updated_from: int = 0) -> Iterator[Shown]:
        """Yield the same events with their states at `now`."""
        return ((record, record.at(now)) for record in self.existing(now, created_from, updated_from))

    def scan(self, first: int, last: int) -> Iterator[Record]:
        """Yield the events created in [first, last), visible or not, in this order; timeless ones come before all."""
        yield from self._span(TIMELESS, TIMELESS + 1)
        first = max(first, TIMELESS + 1)
        if self._hour is None:
            yield from self._span(first, last)
            return
        for hour in range(first // HOUR, -(-last // HOUR)):
            begin, end = max(first, hour * HOUR), min(last, (hour + 1) * HOUR)
            yield from sorted([*self._planned(begin, end), *self._span(begin, end)], key=_place)

    def find(self, event_id: str, now: int) -> State | None:
        """Return the state of an event at an instant, None if it is not visible."""
        if event_id not in self._by_id:
            list(self.existing(now))  # plans the hours that nobody has read
        found = self._by_id.get(event_id)
        return found.at(now) if found is not None and found.visible <= now else None

    def created_ids(self, first: int, last: int, now: int, kind: str | None) -> list[str]:
        """Return the ids of the events in [first, last) that exist at `now`, visible or not. kind: only of this one."""
        records = self.scan(max(first, now - self._history), min(last, now + 1))
        return [each.event_id for each in records if each.created != TIMELESS and kind in (None, each.kind)]

    def _span(self, first: int, last: int) -> list[Record]:
        begin, end = (bisect_left(self.added, (moment, -1), key=_place) for moment in (first, last))
        return self.added[begin:end]

    def _planned(self, first: int, last: int) -> Iterator[Record]:
        if self._hour is not None:
            for hour in range(first // HOUR, -(-last // HOUR)):
                yield from (record for record in self._hour(hour) if first <= record.created < last)

    def _make_hour(self, plan_hour: Callable[[int], Iterable[Plan]], hour: int) -> list[Record]:
        numbered = enumerate(plan_hour(hour), hour * 100_000)
        return [self._make_record(plan, orjson.dumps(plan.event), serial) for serial, plan in numbered]

    def _make_record(self, plan: Plan, payload: bytes, serial: int) -> Record:
        label = self._read_label(plan.event)
        serial = serial if label.serial is None else label.serial
        event_id = label.event_id if isinstance(label.event_id, str) else f"~{serial:014d}"
        state = State(0, label.updated or plan.created, plan.event, payload)
        record = Record(event_id, plan.created, plan.visible, serial, plan.kind or label.kind, [state])
        for at, event in plan.changes:
            record.change(at, event)
        self._by_id.setdefault(event_id, record)
        return record

    def _read_label(self, event: Any) -> Label:
        return self._label(event if isinstance(event, dict) else {})


class EventTenant(Tenant):
    """A tenant with one book of events."""

    def __init__(self, setup: Setup, book: Book) -> None:
        super().__init__(setup)
        self.book = book
        for event in setup.events:
            self.add(event)

    def add(self, event: object, visible_from: int | None = None) -> None:
        self.book.add(event, visible_from)

    def event_ids(self, first: int, last: int, now: int, event_type: str | None) -> list[str]:
        return self.book.created_ids(first, last, now, event_type)


def read_instant(event: dict[str, Any], name: str) -> int:
    """Return the instant of a member, TIMELESS if it is not a date and time."""
    text = event.get(name)
    return (parse_zoned(text) if isinstance(text, str) else None) or TIMELESS


def _place(record: Record) -> tuple[int, int]:
    return record.place
