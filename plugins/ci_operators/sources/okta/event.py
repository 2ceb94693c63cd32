"""The fields of an Okta LogEvent, and Recorded Future's criteria for events (its FAQ 2).

a. the event type is `security.threat.detected`;
b. there is actor information, and the display name under it is not null.

Null properties can be absent, new ones can appear, and types vary (`version` "0" or 0).
Source: System Log API, LogEvent.
"""

from __future__ import annotations

from msgspec import Struct

from ci_operators.core.indicator import is_private_ip, read_ip
from ci_operators.core.tolerant import make_reader
from ci_operators.sources.okta.options import OktaConnector

EVENT_TYPE = "security.threat.detected"

#: Reason code -> its meaning.
DROP_REASONS = {
    "wrong_event_type": f'The event type is not "{EVENT_TYPE}".',
    "missing_actor": "There is no actor information under the event.",
    "null_display_name": "The display name under the actor information is null.",
    "private_address": "The indicator is not a globally reachable address (option private_addresses: drop).",
}


class Actor(Struct, frozen=True, gc=False):
    """The actor. In a ThreatInsight event, its `displayName` is the IP address."""

    displayName: str | None = None  # Okta's spelling
    type: str | None = None


class Outcome(Struct, frozen=True, gc=False):
    """The outcome. `reason` has comma-separated phrases and is cut at 255 characters."""

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

    @property
    def event_id(self) -> str | None:
        """Return the event's uuid."""
        return self.uuid


read_log_event = make_reader(LogEvent)


def find_reason(event: LogEvent, connector: OktaConnector) -> str | None:
    """Return the code of the criterion that excludes an event, or None."""
    if event.eventType != EVENT_TYPE:
        return "wrong_event_type"
    if event.actor is None:
        return "missing_actor"
    if event.actor.displayName is None:
        return "null_display_name"
    ip = read_ip(event.actor.displayName) if connector.private_addresses == "drop" else None
    return "private_address" if ip is not None and is_private_ip(ip) else None
