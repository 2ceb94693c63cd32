"""From an Okta event to a detection.

| Recorded Future's page | detection | Okta |
|---|---|---|
| Indicator Type, Value | ioc | actor.displayName |
| UUID | incident.id | uuid |
| Name | incident.name | displayMessage, else legacyEventType or eventType in words |
| Type | incident.type | eventType |
| Reason | detection.name, mitre_codes | outcome.reason |
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ci_operators.core.attack import NOTES as ATTACK_NOTES
from ci_operators.core.detection import (
    MAX_NAME_LENGTH,
    Detection,
    Incident,
    IndicatorType,
    Ioc,
    Method,
    encode_detection,
)
from ci_operators.core.indicator import read_domain, read_ip
from ci_operators.core.instant import normalise_instant
from ci_operators.core.verdict import Dropped, Note, Quarantined, Step
from ci_operators.sources.okta.criteria import EVENT_TYPE
from ci_operators.sources.okta.log_event import Actor, LogEvent, read_log_event
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.okta.outcome_reasons import ReasonTable, find_codes, load_reasons
from ci_operators.sources.public_suffix import has_public_suffix

SOURCE_TYPE = "Okta"
METHOD_NAME = "Okta Threat Detection"

#: The type of ThreatInsight's actors, and the only one whose name may be a domain: another may bear a person's name.
ADDRESS_TYPE = "ip address"

#: Okta cuts a reason at this length.
LONGEST_REASON = 255

#: Gives the ATT&CK codes of a reason, and notes what has none.
FindCodes = Callable[[str], list[str]]

#: Issue code -> what is wrong, in words.
ISSUES = {
    "event_not_an_object": "The event is no JSON object.",
    "missing_event_id": "The event has no uuid: it could not be told from others.",
    "missing_timestamp": "The event has no published date.",
    "unreadable_timestamp": "The published date is no date.",
    "indicator_not_an_address": (
        "The actor's display name is neither an IP address nor a public domain of an actor whose type is IP address."
    ),
}

#: Note code -> what was degraded, in words.
NOTES = {
    "unknown_outcome_reason": "A phrase of outcome.reason stands in no line of the table: no code for it.",
    **ATTACK_NOTES,
    "timestamp_without_zone": "The published date names no zone: read as UTC.",
    "no_display_message": "displayMessage is null: the event's type in words is the incident's name.",
    "no_outcome_reason": "outcome.reason is null: no ATT&CK code.",
}

#: Note code -> the question of Recorded Future's FAQ that it answers: why there is no ATT&CK code.
FAQ = {"no_outcome_reason": "FAQ 3a", "unknown_outcome_reason": "FAQ 3", "withdrawn_technique": "FAQ 3"}


def mapping_for(connector: OktaConnector, note: Note) -> Step:
    """Return the map step of a connector: event to detection."""
    find_codes_of = _remember_codes(load_reasons(connector.outcome_reasons_file), note)

    def to_detection(event: bytes) -> bytes | Dropped | Quarantined:
        fields = read_log_event(event)
        if fields is None or fields.actor is None:
            return Quarantined("event_not_an_object", None, ISSUES["event_not_an_object"])
        detection = _map(fields, fields.actor, find_codes_of, note)
        if isinstance(detection, Detection):
            return encode_detection(detection)
        return Quarantined(detection, fields.uuid, ISSUES[detection])

    return to_detection


def _map(fields: LogEvent, actor: Actor, find_codes_of: FindCodes, note: Note) -> Detection | str:
    """Return the detection, or the code of the issue that stands in its way."""
    event_id = _clip(fields.uuid)
    if not event_id:
        return "missing_event_id"
    indicator = _read_indicator(actor)
    if indicator is None:
        return "indicator_not_an_address"
    if not fields.published:
        return "missing_timestamp"
    try:
        timestamp, has_zone = normalise_instant(fields.published)
    except ValueError:
        return "unreadable_timestamp"
    if not has_zone:
        note("timestamp_without_zone")
    reason = _read_reason(fields, note)
    return Detection(
        timestamp=timestamp,
        ioc=Ioc(type=indicator[0], value=indicator[1], source_type=SOURCE_TYPE, field="actor.displayName"),
        incident=Incident(id=event_id, type=EVENT_TYPE, name=_find_name(fields, note)),
        detection=Method(name=_clip(f"{METHOD_NAME}: {reason}" if reason else METHOD_NAME), type="correlation"),
        mitre_codes=find_codes_of(reason),
    )


def _remember_codes(table: ReasonTable, note: Note) -> FindCodes:
    """Return a function that gives a reason's codes and notes, and remembers them: reasons are few."""

    @lru_cache(maxsize=1024)
    def read(reason: str) -> tuple[list[str], list[str]]:
        notes: list[str] = []
        return find_codes(reason, table, notes.append), notes

    def find_codes_of(reason: str) -> list[str]:
        codes, notes = read(reason) if len(reason) <= LONGEST_REASON else read.__wrapped__(reason)
        for name in notes:
            note(name)
        return codes

    return find_codes_of


def _read_indicator(actor: Actor) -> tuple[IndicatorType, str] | None:
    text = actor.displayName or ""
    ip = read_ip(text)
    if ip is not None:
        return "ip", ip
    if (actor.type or "").strip().casefold() != ADDRESS_TYPE:
        return None
    domain = read_domain(text)
    return ("domain", domain) if domain and has_public_suffix(domain) else None


def _read_reason(fields: LogEvent, note: Note) -> str:
    reason = (fields.outcome.reason or "").strip() if fields.outcome else ""
    if not reason:
        note("no_outcome_reason")
    return reason


def _find_name(fields: LogEvent, note: Note) -> str:
    """Return what Okta says of the event, else the words of its type: the page lists a name for each incident."""
    message = _clip(fields.displayMessage)
    if message:
        return message
    note("no_display_message")
    return _clip(_say_type(fields.legacyEventType or "")) or _say_type(EVENT_TYPE)


def _say_type(event_type: str) -> str:
    return " ".join(event_type.replace(".", " ").replace("_", " ").split()).capitalize()


def _clip(text: str | None) -> str:
    return (text or "").strip()[:MAX_NAME_LENGTH]
