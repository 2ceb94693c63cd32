"""Map an Okta event to a detection.

| Recorded Future's page | detection | Okta |
|---|---|---|
| Indicator Type, Value | ioc | actor.displayName |
| UUID | incident.id | uuid |
| Name | incident.name | displayMessage, else legacyEventType or eventType in words |
| Type | incident.type | eventType |
| Reason | detection.name, mitre_codes | outcome.reason |

Recorded Future does not publish its table from reasons to codes. Ours is outcome_reasons.csv, with the source of each
line. Only whole phrases match: "Login Failures" is not "Login failures with high unknown users count".
"""

from __future__ import annotations

from pathlib import Path

from ci_operators.core.detection import Detection, Incident, IndicatorType, Ioc, Method
from ci_operators.core.indicator import read_domain, read_ip
from ci_operators.core.verdict import Note
from ci_operators.sources.code_table import make_loader
from ci_operators.sources.okta.event import EVENT_TYPE, Actor, LogEvent
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.public_suffix import has_public_suffix
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: Loads the table from phrases of `outcome.reason` to ATT&CK codes of a connector; None: the shipped table.
load_reasons = make_loader(
    Path(__file__).with_name("outcome_reasons.csv"), "outcome_reasons_file", "unknown_outcome_reason"
)
METHOD_NAME = "Okta Threat Detection"
#: The type of ThreatInsight's actors. Only their names can be domains: other actors can have a person's name.
ADDRESS_TYPE = "ip address"

#: The source's issue code -> its meaning.
ISSUES = {
    "indicator_not_an_address": (
        "The actor's display name is neither an IP address nor a public domain of an actor whose type is IP address."
    ),
}
#: The source's note code -> its meaning.
NOTES = {
    "unknown_outcome_reason": "A phrase of outcome.reason is not in the table and gives no code.",
    "no_display_message": "displayMessage is null. The incident's name is the event's type in words.",
    "no_outcome_reason": "outcome.reason is null and gives no ATT&CK code.",
}


def map_event(event: LogEvent, connector: OktaConnector, note: Note) -> Detection:
    """Return the detection of an event. Raises IssueError if there can be none."""
    event_id = read_event_id(event)
    kind, value = _read_indicator(event.actor or Actor())
    timestamp = read_timestamp(note, event.published)
    reason = (event.outcome.reason or "").strip() if event.outcome else ""
    if not reason:
        note("no_outcome_reason")
    return Detection(
        timestamp=timestamp,
        ioc=Ioc(type=kind, value=value, source_type="Okta", field="actor.displayName"),
        incident=Incident(id=event_id, type=EVENT_TYPE, name=_find_name(event, note)),
        detection=Method(name=clip(f"{METHOD_NAME}: {reason}" if reason else METHOD_NAME), type="correlation"),
        mitre_codes=load_reasons(connector).find_codes(reason, note),
    )


def _read_indicator(actor: Actor) -> tuple[IndicatorType, str]:
    text = actor.displayName or ""
    if (ip := read_ip(text)) is not None:
        return "ip", ip
    is_address = (actor.type or "").strip().casefold() == ADDRESS_TYPE
    domain = read_domain(text) if is_address else None
    if domain is None or not has_public_suffix(domain):
        raise IssueError("indicator_not_an_address")
    return "domain", domain


def _find_name(event: LogEvent, note: Note) -> str:
    """Return Okta's message, or else the event's type in words: Recorded Future's page has a name for each incident."""
    message = clip(event.displayMessage)
    if message:
        return message
    note("no_display_message")
    return clip(_say_type(event.legacyEventType or "")) or _say_type(EVENT_TYPE)


def _say_type(event_type: str) -> str:
    return " ".join(event_type.replace(".", " ").replace("_", " ").split()).capitalize()
