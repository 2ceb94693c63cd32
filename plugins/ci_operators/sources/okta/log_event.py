"""The few fields of an Okta LogEvent that criteria and mapping need, read fast or, failing that, tolerantly.

Okta promises no more than it must: null properties may be absent, new ones may appear, types have been seen
to vary (`version` "0" or 0). Source: System Log API, LogEvent.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ci_operators.core.loose import Loose, read_loosely


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

_decode = msgspec.json.Decoder(LogEvent).decode


def read_log_event(event: bytes) -> LogEvent | None:
    """Return the event's fields; None if the text is no JSON object.

    A field of another type than documented is read as text where it is a plain value, else taken as absent.
    """
    try:
        return _decode(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        loose = read_loosely(event)
    if loose is None:
        return None
    return LogEvent(
        uuid=loose.text("uuid"),
        eventType=loose.text("eventType"),
        published=loose.text("published"),
        displayMessage=loose.text("displayMessage"),
        actor=_actor(loose.child("actor")),
        outcome=_outcome(loose.child("outcome")),
    )


def read_id(event: bytes) -> str | None:
    """Return the event's uuid, None if it has none."""
    fields = read_log_event(event)
    return fields.uuid if fields else None


def _actor(loose: Loose | None) -> Actor | None:
    return None if loose is None else Actor(displayName=loose.text("displayName"), type=loose.text("type"))


def _outcome(loose: Loose | None) -> Outcome | None:
    return None if loose is None else Outcome(reason=loose.text("reason"))
