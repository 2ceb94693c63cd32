"""From an Okta event to a detection.

| Recorded Future's page | detection | Okta |
|---|---|---|
| Indicator Type, Value | ioc | actor.displayName |
| UUID | incident.id | uuid |
| Name | incident.name | displayMessage, else legacyEventType or eventType in words |
| Type | incident.type | eventType |
| Reason | detection.name, mitre_codes | outcome.reason |

Recorded Future's table from reasons to codes is not published. Ours is outcome_reasons.csv, with the source of each
line. Only whole phrases count: "Login Failures" is not "Login failures with high unknown users count".
"""

from __future__ import annotations

from pathlib import Path

from ci_operators.core.detection import Detection, Incident, IndicatorType, Ioc, Method
from ci_operators.core.indicator import read_domain, read_ip
from ci_operators.core.verdict import Note
from ci_operators.sources.code_table import CodeTable, load_codes
from ci_operators.sources.okta.event import EVENT_TYPE, Actor, LogEvent
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.public_suffix import has_public_suffix
from ci_operators.sources.steps import ISSUES as SHARED_ISSUES
from ci_operators.sources.steps import NOTES as SHARED_NOTES
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

SHIPPED_REASONS = Path(__file__).with_name("outcome_reasons.csv")
METHOD_NAME = "Okta Threat Detection"
#: The type of ThreatInsight's actors, and the only one whose name may be a domain: another may bear a person's name.
ADDRESS_TYPE = "ip address"

#: Issue code -> what is wrong, in words.
ISSUES = {
    **SHARED_ISSUES,
    "indicator_not_an_address": (
        "The actor's display name is neither an IP address nor a public domain of an actor whose type is IP address."
    ),
}
#: Note code -> what was degraded, in words.
NOTES = {
    **SHARED_NOTES,
    "unknown_outcome_reason": "A phrase of outcome.reason is not in the table: no code for it.",
    "no_display_message": "displayMessage is null: the event's type in words is the incident's name.",
    "no_outcome_reason": "outcome.reason is null: no ATT&CK code.",
}


def load_reasons(path: str | None = None) -> CodeTable:
    """Return the table from phrases of `outcome.reason` to ATT&CK codes in a file, by default the shipped one."""
    return load_codes(Path(path) if path else SHIPPED_REASONS, "outcome_reasons_file", "unknown_outcome_reason")


def load_reasons_of(connector: OktaConnector) -> CodeTable:
    """Return the table of a connector."""
    return load_reasons(connector.outcome_reasons_file)


def map_event(event: LogEvent, connector: OktaConnector, note: Note) -> Detection:
    """Return the detection of an event. Raises IssueError if it cannot have one."""
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
        mitre_codes=load_reasons_of(connector).find_codes(reason, note),
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
    """Return what Okta says of the event, else the words of its type: the page lists a name for each incident."""
    message = clip(event.displayMessage)
    if message:
        return message
    note("no_display_message")
    return clip(_say_type(event.legacyEventType or "")) or _say_type(EVENT_TYPE)


def _say_type(event_type: str) -> str:
    return " ".join(event_type.replace(".", " ").replace("_", " ").split()).capitalize()
