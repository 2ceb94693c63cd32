"""What a stage can say of one record, beside passing it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dropped:
    """A criterion excludes the event: expected, counted by `reason`."""

    reason: str
    event_id: str | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """We or Recorded Future cannot accept the record: kept beside its `issue`, replayable.

    `detail` is a sentence about the record, without its personal data.
    """

    issue: str
    event_id: str | None
    detail: str = ""


#: One stage's work on one record (a JSON text without line breaks): the record to pass on, or a verdict. The map step
#: may return several detections of one event. A step never raises on what a vendor sent, whatever that is.
Step = Callable[[bytes], "bytes | list[bytes] | Dropped | Quarantined"]

#: Counts something worth knowing about a record that goes on all the same ("degraded").
Note = Callable[[str], None]
