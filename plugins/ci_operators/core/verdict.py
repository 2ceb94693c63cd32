"""The outcomes of a record that a stage does not pass on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dropped:
    """A criterion excludes the event. This is expected, and counted by `reason`."""

    reason: str
    event_id: str | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The record cannot be sent as it is. It is kept with its `issue`, and can be replayed.

    detail: a sentence about the record, without personal data.
    """

    issue: str
    event_id: str | None
    detail: str = ""


#: Processes one record (a JSON text without line breaks) in one stage, and returns the record to pass on or a verdict.
#: The map step can return several detections of one event. A step never raises, whatever a vendor sent.
Step = Callable[[bytes], "bytes | list[bytes] | Dropped | Quarantined"]

#: Counts a note on a record that is passed on: something was left out of it.
Note = Callable[[str], None]
