"""Map an alert to a detection for each of its indicators.

| Recorded Future's page | detection | Microsoft Graph |
|---|---|---|
| Id | incident.id | id |
| title | incident.name | title |
| serviceSource | incident.type | serviceSource |
| detectionSource | detection.name | detectionSource |
| createdDateTime | timestamp | createdDateTime |
| mitreTechniques | mitre_codes | mitreTechniques |
| IOC type, IOC value | ioc | evidence[] |
"""

from __future__ import annotations

from ci_operators.core.detection import Detection, Incident, Ioc, Method
from ci_operators.core.verdict import Note
from ci_operators.sources.attack_entries import Entry, find_codes
from ci_operators.sources.defender import ABOUT
from ci_operators.sources.defender.event import Alert
from ci_operators.sources.defender.evidence import NOTES as EVIDENCE_NOTES
from ci_operators.sources.defender.options import MicrosoftDefenderXDRConnector
from ci_operators.sources.indicators import NOTES as INDICATOR_NOTES
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: The source's issue code -> its meaning.
ISSUES = {"missing_indicator": "No evidence with a verdict that is sent has an indicator."}
#: The source's note code -> its meaning.
NOTES = {
    **INDICATOR_NOTES,
    **EVIDENCE_NOTES,
    "unknown_technique": "The technique is not in ATT&CK and gives no code.",
    "no_techniques": "The alert has no techniques and gets no ATT&CK code.",
}


def map_alert(alert: Alert, connector: MicrosoftDefenderXDRConnector, note: Note) -> list[Detection]:
    """Return a detection for each indicator. Raises IssueError if there is none."""
    event_id = read_event_id(alert)
    indicators = alert.find_indicators(connector, note)
    if not indicators:
        raise IssueError("missing_indicator")
    timestamp = read_timestamp(note, alert.createdDateTime)
    codes = find_codes([Entry([(text, None)]) for text in alert.mitreTechniques or ()], note, none="no_techniques")
    incident = Incident(event_id, type=clip(alert.serviceSource) or "Alert", name=clip(alert.title) or None)
    method = Method(clip(alert.detectionSource) or f"{ABOUT.title} Threat Detection", type="correlation")
    return [
        Detection(timestamp, Ioc(kind, value, source_type=ABOUT.title, field=field), incident, method, codes)
        for (kind, value), field in indicators.items()
    ]
