"""Finds an event by its id: in the artifacts of a run, then at its source."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ci_operators.answers.question import NEVER, Deadline, Limits
from ci_operators.answers.run.artifacts import ArtifactError, Block, RunFiles, read_blocks
from ci_operators.core.connector import Connector
from ci_operators.core.detection import KEPT_OF_ID, shorten_id
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.sources.registry import load_source

#: Searching a million events takes a few seconds. With more of them, a person waits no longer than this.
PATIENCE = Limits(text_bytes=1 << 34, seconds=10.0)
#: Returns the event with an id from the artifacts of a connector's run, None if they are gone.
FindStaged = Callable[[Connector, str, str, Limits], bytes | None]
#: Returns the event with an id as a connector's source has it now, None if there is none; raises a
#: CollectiveInsightsError. The deadline is that of the person who waits; a command can take longer.
FetchEvent = Callable[[Connector, str, datetime, Deadline], bytes | None]


class NoTimeError(CollectiveInsightsError):
    """The time for the answer was over before everything was searched."""


def find_nothing(connector: Connector, run_id: str, event_id: str, limits: Limits) -> bytes | None:
    """Return None, for callers without access to artifacts."""
    del connector, run_id, event_id, limits
    return None


def fetch_event(connector: Connector, event_id: str, now: datetime, deadline: Deadline = NEVER) -> bytes | None:
    """Return the event with an id as the connector's source has it now, with the retries and timeouts of a run."""
    del deadline
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    source = load_source(connector.source)
    client = VendorHook(source.api, connector.source_conn_id).get_client()
    return source.find_event(client, connector, event_id, now)


@dataclass(frozen=True, slots=True)
class EventFinder:
    """Searches a run's artifacts, then the source, for an event, until the deadline."""

    now: datetime
    fetch: FetchEvent = fetch_event
    find_staged: FindStaged = find_nothing
    deadline: Deadline = NEVER

    def find(self, connector: Connector, run_id: str, event_id: str) -> bytes | None:
        """Return the event, None if it is in neither place. Raises NoTimeError and other CollectiveInsightsErrors."""
        self._check_time()
        # The source usually answers at once, so half of the time is enough for it.
        staged = self.find_staged(connector, run_id, event_id, self.deadline.cut(PATIENCE, 0.5))
        if staged is not None:
            return staged
        self._check_time()
        return self.ask_source(connector, event_id)

    def ask_source(self, connector: Connector, event_id: str) -> bytes | None:
        """Return the event as its source has it now."""
        return self.fetch(connector, event_id, self.now, self.deadline)

    def _check_time(self) -> None:
        if self.deadline.is_over:
            raise NoTimeError("the answer took too long. `python -m ci_operators explain ID` waits longer.")


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """The event as the source returned it, None if it was not found. note: why not; is_late: the time was too short."""

    event: bytes | None
    note: str = ""
    is_late: bool = False


def find_event(files: RunFiles, connector: Connector, event_id: str, limits: Limits = PATIENCE) -> FoundEvent:
    """Return the first event with the id among those that extract staged."""
    file = files.events()
    if file is None:
        return FoundEvent(None, "Extract has not finished yet, or its artifacts are missing.")
    search = _EventSearch(connector, event_id)
    begun, read = limits.clock(), 0
    try:
        for block in read_blocks(file.path):
            event = search.find_in(block)
            if event is not None:
                return FoundEvent(event)
            read += len(block.text)
            if read >= limits.text_bytes or limits.clock() - begun >= limits.seconds:
                note = f"Not found among the first {search.passed} of {file.expected} events."
                return FoundEvent(None, note, is_late=True)
    except ArtifactError as err:
        return FoundEvent(None, str(err))
    return FoundEvent(None, f"None of the {search.passed} events that extract staged has this id.")


class _EventSearch:
    def __init__(self, connector: Connector, event_id: str) -> None:
        self.read_id = load_source(connector.source).read_id
        self.event_id = event_id
        # The id in JSON, with and without escapes for non-ASCII characters. Other escapes are not found.
        start = event_id[:KEPT_OF_ID]  # a detection has the hash of the rest
        self.needles = (msgspec.json.encode(start)[1:-1], json.dumps(start).encode()[1:-1])
        self.passed = 0

    def find_in(self, block: Block) -> bytes | None:
        """Return the event if the block contains it; only lines that contain its id are decoded."""
        self.passed += block.text.count(b"\n")
        if not self._may_be_in(block.text):
            return None
        return next((line for line, _ in block.lines() if self._may_be_in(line) and self._is_it(line)), None)

    def _may_be_in(self, text: bytes) -> bool:
        return any(needle in text for needle in self.needles)

    def _is_it(self, line: bytes) -> bool:
        found = self.read_id(line) or ""
        return self.event_id in (found, shorten_id(found))
