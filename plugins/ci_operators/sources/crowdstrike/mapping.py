"""Map a Falcon alert to a detection for each of its indicators.

| Recorded Future's page | detection | Alerts API |
|---|---|---|
| id | incident.id | composite_id |
| description | incident.name | description, else display_name |
| timestamp | timestamp | timestamp, else created_timestamp |
| type, value | ioc | ioc_context, ioc_value, ioc_values, quarantined_files; the acting process by option |
"""

from __future__ import annotations

from ci_operators.core.detection import Detection, Incident, Ioc, Method
from ci_operators.core.verdict import Note
from ci_operators.sources.attack_entries import Entry, find_codes
from ci_operators.sources.crowdstrike.event import Alert, list_indicators
from ci_operators.sources.crowdstrike.options import CrowdStrikeConnector
from ci_operators.sources.indicators import NOTES as INDICATOR_NOTES
from ci_operators.sources.indicators import find_indicators
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: The source's issue code -> its meaning.
ISSUES = {"no_usable_indicator": "The alert has no address, domain, or hash that can be sent."}
#: The source's note code -> its meaning.
NOTES = {
    **INDICATOR_NOTES,
    "own_technique": "The technique or tactic is the vendor's own and has no ATT&CK code.",
    "unknown_technique": "The technique is not in ATT&CK and gives no code.",
    "no_technique": "The technique and its tactic are missing or not in ATT&CK, and give no code.",
    "timestamp_replaced": "The alert's timestamp is not a date. Its created_timestamp is sent.",
}


def map_alert(alert: Alert, connector: CrowdStrikeConnector, note: Note) -> list[Detection]:
    """Return a detection for each indicator of an alert. Raises IssueError if there can be none."""
    name = clip(alert.description) or clip(alert.display_name) or None
    incident = Incident(id=read_event_id(alert), type=clip(f"CrowdStrike {alert.type or 'alert'}"), name=name)
    indicators = find_indicators(list_indicators(alert, connector), connector, note)
    if not indicators:
        raise IssueError("no_usable_indicator")
    timestamp = read_timestamp(note, alert.timestamp, alert.created_timestamp)
    method = Method(name="CrowdStrike Threat Detection", type="correlation")
    ids = [(each.technique_id, each.tactic_id) for each in alert.mitre_attack or [alert] if each]
    entries = [Entry([(technique, None)] if technique else [], tactic) for technique, tactic in ids]
    codes = find_codes(entries, note, none="no_technique", no_code="no_technique", own_prefix="CST")
    return [
        Detection(timestamp, Ioc(kind, value, source_type="CrowdStrike", field=field), incident, method, codes)
        for (kind, value), field in indicators.items()
    ]
