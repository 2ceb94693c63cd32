"""The few fields of an Okta LogEvent that criteria and mapping need, read fast or, failing that, tolerantly.

Okta promises no more than it must: null properties may be absent, new ones may appear, types have been seen
to vary (`version` "0" or 0). Source: System Log API, LogEvent.
"""

from __future__ import annotations

from msgspec import Struct

from ci_operators.core.tolerant import make_reader


class Actor(Struct, frozen=True, gc=False):
    """Who did it; of a ThreatInsight event: the IP address, in `displayName`."""

    displayName: str | None = None  # Okta's spelling
    type: str | None = None


class Outcome(Struct, frozen=True, gc=False):
    """What came of it; `reason` is a comma-separated list of phrases, cut at 255 characters."""

    reason: str | None = None


class LogEvent(Struct, frozen=True, gc=False):
    """One entry of the System Log."""

    uuid: str | None = None
    eventType: str | None = None
    published: str | None = None
    displayMessage: str | None = None
    legacyEventType: str | None = None
    actor: Actor | None = None
    outcome: Outcome | None = None


#: What of a log entry tells of a person, their device or their place (System Log API, LogEvent): the objects that
#: describe one, and what names the actor. `actor.displayName` is the indicator: it stays.
PERSONAL = (
    "actor.id",
    "actor.alternateId",
    "actor.detailEntry",
    "authenticationContext",
    "client",
    "debugContext",
    "device",
    "request",
    "securityContext",
    "target",
    "transaction",
)

read_log_event = make_reader(LogEvent)


def read_id(event: bytes) -> str | None:
    """Return the event's uuid, None if it has none."""
    fields = read_log_event(event)
    return fields.uuid if fields else None
