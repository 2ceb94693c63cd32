"""From a SentinelOne threat to a detection.

| Recorded Future's page | detection | SentinelOne |
|---|---|---|
| Threat ID | incident.id | threatInfo.threatId |
| Indicator | ioc | threatInfo.sha256, else sha1, else md5 |
| Timestamp | timestamp | threatInfo.identifiedAt, else createdAt; the reverse by option detection_time |
| MITRE codes | mitre_codes | indicators[].tactics[].techniques[] |

The threat's name stays behind: it is usually the name of a file and may name a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from ci_operators.attack import attack_table
from ci_operators.core.attack import AttackTable, read_technique
from ci_operators.core.detection import Detection, Incident, Ioc, Method
from ci_operators.core.verdict import Note
from ci_operators.sources.sentinelone.event import Tactic, ThreatInfo, ThreatWithIndicators
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.steps import ISSUES as SHARED_ISSUES
from ci_operators.sources.steps import NOTES as SHARED_NOTES
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: Digits of a hash -> its member.
HASH_KINDS = {64: "sha256", 40: "sha1", 32: "md5"}

#: Issue code -> what is wrong, in words.
ISSUES = {**SHARED_ISSUES, "indicator_not_a_hash": "None of sha256, sha1 and md5 is a well-formed hash."}

#: Note code -> what was degraded, in words.
NOTES = {
    **SHARED_NOTES,
    "unknown_technique": "A technique that ATT&CK does not know, or one without an id: no code for it.",
    "unknown_tactic": "A tactic that ATT&CK does not know, without a usable technique: no code for it.",
    "no_tactics": "The threat has no tactics: no ATT&CK code.",
    "timestamp_replaced": "The time that option detection_time names is not a date: the threat's other time is sent.",
}


def map_threat(threat: ThreatWithIndicators, connector: SentinelOneConnector, note: Note) -> Detection:
    """Return the detection of a threat. Raises IssueError if it cannot have one."""
    event_id, info = read_event_id(threat), threat.threatInfo or ThreatInfo()
    value = info.find_hash()
    if value is None:
        raise IssueError("indicator_not_a_hash")
    kind, times = HASH_KINDS[len(value)], (info.identifiedAt, info.createdAt)
    return Detection(
        timestamp=read_timestamp(note, *(times if connector.detection_time == "identified_at" else times[::-1])),
        ioc=Ioc(type="hash", value=value, source_type="SentinelOne", field=f"threatInfo.{kind}"),
        incident=Incident(id=event_id, type=clip(info.classification) or "Threat"),
        detection=Method(name="SentinelOne Threat Detection", type="correlation"),
        mitre_codes=find_codes(threat.tactics, attack_table(), note),
    )


def find_codes(tactics: Sequence[Tactic], table: AttackTable, note: Note) -> list[str]:
    """Return the ATT&CK codes of the tactics, in their order, each once (Recorded Future's FAQ 4).

    A tactic's techniques give their ids, a retired one that of its successor. A tactic without a usable technique
    gives its own id. Retired and unknown techniques are noted, and tactics that give no code.
    """
    if not tactics:
        note("no_tactics")
    codes: dict[str, None] = {}
    for tactic in tactics:
        for code in _codes_of(tactic, table, note):
            codes[code] = None
    return list(codes)


def _codes_of(tactic: Tactic, table: AttackTable, note: Note) -> list[str]:
    codes = []
    for technique in tactic.techniques or ():
        written = read_technique(technique.name, technique.link) if technique else None
        if code := table.find_current(written, note):
            codes.append(code)
    if codes:
        return codes
    own_code = table.find_tactic(tactic.name or "")
    if own_code is None:
        note("unknown_tactic")
        return []
    return [own_code]
