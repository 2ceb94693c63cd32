"""From a SentinelOne threat or alert to a detection.

| Recorded Future's page | detection | threat | alert |
|---|---|---|---|
| Threat ID | incident.id | threatInfo.threatId | externalId, else id |
| Indicator | ioc | threatInfo.sha256, else sha1, else md5 | the same of process.file |
| Timestamp | timestamp | threatInfo.identifiedAt, else createdAt | detectedAt, else createdAt |
| MITRE codes | mitre_codes | indicators[].tactics[].techniques[] | indicators[].attacks[] |

Option detection_time reverses the order of the times. The threat's name stays behind: it is usually the name of a file
and may name a person.
"""

from __future__ import annotations

from ci_operators.core.detection import Detection, Incident, Ioc, Method
from ci_operators.core.verdict import Note
from ci_operators.sources.attack_entries import find_codes
from ci_operators.sources.sentinelone.event import EventWithIndicators, ThreatInfo
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: Digits of a hash -> its member.
HASH_KINDS = {64: "sha256", 40: "sha1", 32: "md5"}

#: The source's issue code -> what is wrong, in words.
ISSUES = {"indicator_not_a_hash": "None of sha256, sha1 and md5 is a well-formed hash."}

#: The source's note code -> what was degraded, in words.
NOTES = {
    "unknown_technique": "A technique is not in ATT&CK or has no id, and gives no code.",
    "unknown_tactic": "A tactic is not in ATT&CK and has no usable technique. It gives no code.",
    "no_tactics": "The threat has no tactics and gets no ATT&CK code.",
    "no_details": "Option details_per_page or a rate limit left out the alert's details. It gets no ATT&CK code.",
    "timestamp_replaced": "The time that option detection_time names is not a date: the threat's other time is sent.",
}


def map_event(event: EventWithIndicators, connector: SentinelOneConnector, note: Note) -> Detection:
    """Return the detection of a threat or an alert. Raises IssueError if it cannot have one."""
    event_id, info = read_event_id(event), event.find_info(connector) or ThreatInfo()
    value = info.find_hash()
    if value is None:
        raise IssueError("indicator_not_a_hash")
    kind, times = HASH_KINDS[len(value)], (info.identifiedAt, info.createdAt)
    place = "process.file" if connector.reads_alerts else "threatInfo"
    has_details = event.indicators is not None or not connector.reads_alerts
    if not has_details:
        note("no_details")
    return Detection(
        timestamp=read_timestamp(note, *(times if connector.detection_time == "identified_at" else times[::-1])),
        ioc=Ioc(type="hash", value=value, source_type="SentinelOne", field=f"{place}.{kind}"),
        incident=Incident(id=event_id, type=clip(info.classification) or "Threat"),
        detection=Method(name="SentinelOne Threat Detection", type="correlation"),
        mitre_codes=find_codes(event.tactics, note, none="no_tactics", no_code="unknown_tactic") if has_details else [],
    )
