"""An event found again: among those that a run has read, then at its source."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ci_operators.answers.question import NEVER, Deadline, Limits
from ci_operators.answers.run.artifacts import ArtifactError, Block, RunFiles, read_blocks
from ci_operators.core.connector import Connector
from ci_operators.core.detection import MAX_NAME_LENGTH
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.sources.registry import load_source

#: A million events are looked through in a few seconds; anyone who asks for one of more waits no longer than this.
PATIENCE = Limits(text_bytes=1 << 34, seconds=10.0)
#: Gives the event of an id from the artifacts of a connector's run, None if they are gone.
FindStaged = Callable[[Connector, str, str, Limits], bytes | None]
#: Gives the event of an id as a connector's source has it now, None if it has none; raises an error of the tree.
#: The deadline says how long somebody waits for it; a command, which has patience, may take longer.
FetchEvent = Callable[[Connector, str, datetime, Deadline], bytes | None]


class NoTimeError(CollectiveInsightsError):
    """The time for the answer is over before everything was looked at."""


def find_nothing(connector: Connector, run_id: str, event_id: str, limits: Limits) -> bytes | None:
    """Return None: no artifacts are at hand."""
    del connector, run_id, event_id, limits
    return None


def fetch_event(connector: Connector, event_id: str, now: datetime, deadline: Deadline = NEVER) -> bytes | None:
    """Return the event of an id as the connector's source has it now, with all the patience that a run has."""
    del deadline
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    source = load_source(connector.source)
    client = VendorHook(source.api, connector.source_conn_id).get_client()
    return source.find_event(client, connector, event_id, now)


@dataclass(frozen=True, slots=True)
class EventFinder:
    """Where an event is looked for, and until when: in a run's artifacts first, then at its source."""

    now: datetime
    fetch: FetchEvent = fetch_event
    find_staged: FindStaged = find_nothing
    deadline: Deadline = NEVER

    def find(self, connector: Connector, run_id: str, event_id: str) -> bytes | None:
        """Return the event, None if it is in neither place. Raises NoTimeError, and the errors of the tree."""
        self._check_time()
        # The source usually answers at once: half of the time is enough for it.
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
            raise NoTimeError("the time is over. `python -m ci_operators explain ID` takes longer.")


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """The event as the source gave it, None if it was not found; `note`: why not; is_late: not all were looked at."""

    event: bytes | None
    note: str = ""
    is_late: bool = False


def find_event(files: RunFiles, connector: Connector, event_id: str, limits: Limits = PATIENCE) -> FoundEvent:
    """Return the first event of the id that extract has staged."""
    file = files.events()
    if file is None:
        return FoundEvent(None, "Extract has not finished yet, or its artifacts are not known.")
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
        # As JSON writes it, with and without escapes for what is no ASCII; a source that escapes letters hides it.
        self.needles = (msgspec.json.encode(event_id)[1:-1], json.dumps(event_id).encode()[1:-1])
        self.passed = 0

    def find_in(self, block: Block) -> bytes | None:
        """Return the event if the block has it; only lines that hold its id are decoded."""
        self.passed += block.text.count(b"\n")
        if not self._may_be_in(block.text):
            return None
        return next((line for line, _ in block.lines() if self._may_be_in(line) and self._is_it(line)), None)

    def _may_be_in(self, text: bytes) -> bool:
        return any(needle in text for needle in self.needles)

    def _is_it(self, line: bytes) -> bool:
        found = self.read_id(line) or ""
        return self.event_id in (found, found.strip()[:MAX_NAME_LENGTH])
