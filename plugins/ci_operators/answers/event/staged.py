"""One event among those that a run has read."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec

from ci_operators.answers.run.blocks import ArtifactError, Block, read_blocks
from ci_operators.answers.run.files import RunFiles
from ci_operators.answers.run.scan import Limits
from ci_operators.core.connector import Connector
from ci_operators.core.detection import MAX_NAME_LENGTH
from ci_operators.sources.registry import load_source

#: A million events are looked through in a few seconds; who asks for one of more waits no longer than this.
PATIENCE = Limits(text_bytes=1 << 34, seconds=10.0)


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
        # As JSON writes it, with and without escapes for what is no ASCII; whoever escapes letters hides the event.
        forms = (msgspec.json.encode(event_id)[1:-1], json.dumps(event_id).encode()[1:-1])
        self.needles = list(dict.fromkeys(forms))
        self.passed = 0

    def find_in(self, block: Block) -> bytes | None:
        """Return the event if the block has it; only lines that hold its id are decoded."""
        self.passed += block.text.count(b"\n")
        if not self._may_stand_in(block.text):
            return None
        return next((line for line, _ in block.lines() if self._may_stand_in(line) and self._is_it(line)), None)

    def _may_stand_in(self, text: bytes) -> bool:
        return any(needle in text for needle in self.needles)

    def _is_it(self, line: bytes) -> bool:
        found = self.read_id(line) or ""
        return self.event_id in (found, found.strip()[:MAX_NAME_LENGTH])
