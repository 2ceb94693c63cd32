"""From a SentinelOne threat to a detection.

| Recorded Future's page | detection | SentinelOne |
|---|---|---|
| Threat ID | incident.id | threatInfo.threatId |
| Indicator | ioc | threatInfo.sha256, else sha1, else md5 |
| Timestamp | timestamp | threatInfo.identifiedAt, else createdAt; the reverse by option detection_time |
| MITRE codes | mitre_codes | indicators[].tactics[].techniques[] |

The threat's name stays behind: it is a file's name as a rule and may name a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from ci_operators.attack import attack_table
from ci_operators.core.attack import NOTES as ATTACK_NOTES
from ci_operators.core.attack import AttackTable
from ci_operators.core.detection import MAX_NAME_LENGTH, Detection, Incident, Ioc, Method, encode_detection
from ci_operators.core.instant import normalise_instant
from ci_operators.core.verdict import Dropped, Note, Quarantined, Step
from ci_operators.sources.sentinelone.attack_codes import find_codes, has_tactics
from ci_operators.sources.sentinelone.criteria import choose_hash
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.sentinelone.threat import (
    ThreatInfo,
    ThreatWithIndicators,
    find_id,
    read_threat_with_indicators,
)

SOURCE_TYPE = "SentinelOne"
METHOD_NAME = "SentinelOne Threat Detection"
DEFAULT_INCIDENT_TYPE = "Threat"

#: Issue code -> what is wrong, in words.
ISSUES = {
    "event_not_an_object": "The event is no JSON object.",
    "missing_event_id": "The threat has no id: it could not be told from others.",
    "missing_timestamp": "The threat has neither identifiedAt nor createdAt.",
    "unreadable_timestamp": "None of the threat's times, identifiedAt and createdAt, is a date.",
    "indicator_not_a_hash": "None of sha256, sha1 and md5 is a well-formed hash.",
}

#: Note code -> what was degraded, in words.
NOTES = {
    "unknown_technique": "A technique that ATT&CK does not know, or one without an id: no code for it.",
    **ATTACK_NOTES,
    "unknown_tactic": "A tactic that ATT&CK does not know, without a usable technique: no code for it.",
    "no_tactics": "The threat has no tactics: no ATT&CK code.",
    "timestamp_replaced": "The time that option detection_time names is not a date: the threat's other time is sent.",
    "timestamp_without_zone": "The threat's time names no zone: read as UTC.",
}

#: Note code -> the question of Recorded Future's FAQ that it answers: why there is no ATT&CK code.
FAQ = {"no_tactics": "FAQ 4", "unknown_tactic": "FAQ 4", "unknown_technique": "FAQ 4", "withdrawn_technique": "FAQ 4"}


def mapping_for(connector: SentinelOneConnector, note: Note) -> Step:
    """Return the map step of a connector: threat to detection."""
    table = attack_table()
    times = ("identifiedAt", "createdAt")
    read_times = attrgetter(*(times if connector.detection_time == "identified_at" else times[::-1]))

    def to_detection(event: bytes) -> bytes | Dropped | Quarantined:
        threat = read_threat_with_indicators(event)
        if threat is None or threat.threatInfo is None:
            return Quarantined("event_not_an_object", None, ISSUES["event_not_an_object"])
        detection = _map(threat, threat.threatInfo, read_times(threat.threatInfo), table, note)
        if isinstance(detection, Detection):
            return encode_detection(detection)
        return Quarantined(detection, find_id(threat), ISSUES[detection])

    return to_detection


def _map(
    threat: ThreatWithIndicators, info: ThreatInfo, times: Sequence[str | None], table: AttackTable, note: Note
) -> Detection | str:
    """Return the detection, or the code of the issue that stands in its way."""
    event_id = (find_id(threat) or "").strip()
    if not event_id:
        return "missing_event_id"
    value = choose_hash(info)
    if value is None:
        return "indicator_not_a_hash"
    timestamp = _read_timestamp(times, note)
    if timestamp is None:
        return "unreadable_timestamp" if any(times) else "missing_timestamp"
    codes = find_codes(threat, table, note)
    if not codes and not has_tactics(threat):
        note("no_tactics")
    return Detection(
        timestamp=timestamp,
        ioc=Ioc(type="hash", value=value, source_type=SOURCE_TYPE, field=_field(info, value)),
        incident=Incident(id=event_id[:MAX_NAME_LENGTH], type=_incident_type(info)),
        detection=Method(name=METHOD_NAME, type="correlation"),
        mitre_codes=codes,
    )


def _read_timestamp(times: Sequence[str | None], note: Note) -> str | None:
    """Return the first of the times that is a date, None if none is; note what is degraded about it."""
    is_replaced = False
    for written in filter(None, times):
        try:
            timestamp, has_zone = normalise_instant(written)
        except ValueError:
            is_replaced = True
            continue
        if is_replaced:
            note("timestamp_replaced")
        if not has_zone:
            note("timestamp_without_zone")
        return timestamp
    return None


def _field(info: ThreatInfo, value: str) -> str:
    kind = {64: "sha256", 40: "sha1", 32: "md5"}[len(value)]
    return f"threatInfo.{kind}"


def _incident_type(info: ThreatInfo) -> str:
    return (info.classification or "").strip()[:MAX_NAME_LENGTH] or DEFAULT_INCIDENT_TYPE
