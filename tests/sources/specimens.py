"""A source's data for the contract suite: events for every code that it can give, and how to serve them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ci_operators.core.connector import Connector
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.sources.registry import OPTIONS
from ci_operators.sources.source import Source
from ci_operators.transport.client import Client
from simulator import Limits, Simulator, serve
from tests.noting_session import NotingSession
from tests.vendor_cases import WINDOW, VendorCase
from tests.virtual_time import VirtualTime

Verdict = bytes | list[bytes] | Dropped | Quarantined


@dataclass(frozen=True)
class Specimen:
    """One event (bytes: raw text) and the options under which it gives its code."""

    event: Any
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> bytes:
        """Return the event as it would be in a page."""
        return self.event if isinstance(self.event, bytes) else json.dumps(self.event).encode()


@dataclass(frozen=True)
class Specimens:
    """A source under test.

    kept: events by their story; dropped, quarantined, noted: one event for every code.
    make_event: a kept event of an instant, with its own number; read_id: an event's id.
    token_path: the path of the token endpoint, if any; reading_posts: other paths where a POST only reads.
    finds_by_id: whether the source's API can look for one event.
    options: the options of every connector of these specimens.
    """

    source: Source
    case: VendorCase
    kept: Mapping[str, Specimen]
    dropped: Mapping[str, Specimen]
    quarantined: Mapping[str, Specimen]
    noted: Mapping[str, Specimen]
    make_event: Callable[[datetime, int], dict[str, Any]]
    read_id: Callable[[Any], str | None]
    token_path: str = ""
    reading_posts: frozenset[str] = frozenset()
    finds_by_id: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def serve_events(self, simulator: Simulator, events: Iterable[Any]) -> None:
        """Add events to the source's simulated vendor."""
        for event in events:
            simulator.add_event(self.case.name, event)

    def spread_events(self, count: int, at_once: int = 1) -> list[dict[str, Any]]:
        """Return kept events that are spread over the window of the tests, this many with equal times."""
        pace = (WINDOW.until - WINDOW.since) / (count + 1)
        instants = (WINDOW.since + pace * (number // at_once * at_once) for number in range(count))
        return [self.make_event(instant, number) for number, instant in enumerate(instants)]

    def with_source(self, **changes: Any) -> Specimens:
        """Return the same specimens of a source with other functions."""
        return replace(self, source=replace(self.source, **changes))

    def connector(self, options: Mapping[str, Any] | None = None) -> Connector:
        """Return a connector of the source; paths in its options are relative to the folder of the source's tests."""
        name = self.source.name
        entry = {"name": "acme", "source": name, **self.options, **(options or {})}
        connector = OPTIONS[name].model_validate(entry)
        return connector.resolve_paths(self.folder)

    @property
    def folder(self) -> Path:
        """Return the folder of the source's tests."""
        return Path(__file__).parent / self.source.name

    @property
    def all(self) -> list[Specimen]:
        """Return every specimen."""
        groups = (self.kept, self.dropped, self.quarantined, self.noted)
        return [specimen for group in groups for specimen in group.values()]


@dataclass(frozen=True)
class Outcome:
    """The results of the two steps for one event; `mapped` is None if the filter dropped it."""

    filtered: Verdict
    mapped: Verdict | None
    notes: list[str]

    @property
    def detections(self) -> list[bytes]:
        """Return the detections that the event became."""
        return [self.mapped] if isinstance(self.mapped, bytes) else self.mapped if isinstance(self.mapped, list) else []

    @property
    def verdicts(self) -> list[Dropped | Quarantined]:
        """Return the verdicts on the event."""
        return [verdict for verdict in (self.filtered, self.mapped) if isinstance(verdict, Dropped | Quarantined)]


def run_steps(source: Source, connector: Connector, event: bytes) -> Outcome:
    """Pass an event through filter and map. An exception of a step becomes a failed assertion."""
    notes: list[str] = []
    try:
        filtered = source.criteria(connector)(event)
        mapped = source.mapping(connector, notes.append)(filtered) if isinstance(filtered, bytes) else None
    except Exception as err:
        raise AssertionError(f"a step raised {err!r} on {event[:200]!r}") from err
    assert isinstance(filtered, bytes | Dropped | Quarantined), f"the filter gave {filtered!r}"
    assert mapped is None or isinstance(mapped, bytes | list | Dropped | Quarantined), f"the mapping gave {mapped!r}"
    return Outcome(filtered, mapped, notes)


@dataclass(frozen=True)
class Wire:
    """A served vendor, and a client of it."""

    simulator: Simulator
    session: NotingSession
    time: VirtualTime
    client: Client


@contextmanager
def wired(
    specimens: Specimens, events: Iterable[Any] = (), token: str | None = None, limits: Limits | None = None
) -> Iterator[Wire]:
    """Serve events of the source on loopback, in virtual time and by default without limits, and open a client."""
    time = VirtualTime()
    simulator = Simulator(clock=time, scenario=False, limits=limits or Limits.off())
    with serve(simulator), NotingSession() as session:
        specimens.serve_events(simulator, events)
        yield Wire(simulator, session, time, specimens.case.connect(simulator.url, session, time, token))
