"""Map a click or a message to a detection for each of its threats.

On Recorded Future's page, the threat (a click's url) is the ioc, threatTime the timestamp, classification the
incident's type, and threatID is in its name. incident.id is the event's id, as in its portal: events share threats.
The page has no ATT&CK codes. Ours are in classifications.csv, with the source of each line.
"""

from __future__ import annotations

from pathlib import Path

from ci_operators.core.detection import Detection, Incident, Ioc, Method
from ci_operators.core.verdict import Note
from ci_operators.sources.code_table import CodeTable, make_loader
from ci_operators.sources.proofpoint.event import TapEvent, Threat, judge_threat, read_threat
from ci_operators.sources.proofpoint.options import ProofpointTAPConnector
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: Loads the table from classifications to ATT&CK codes of a connector; None: the shipped table.
load_table = make_loader(
    Path(__file__).with_name("classifications.csv"), "classifications_file", "unknown_classification"
)
#: The source's issue code -> its meaning.
ISSUES = {"no_usable_threat": "The options exclude all threats of the event."}
#: The source's note code -> its meaning.
NOTES = {
    "threat_left_out": "A threat of the message has no indicator, or an option excludes it. The others are sent.",
    "url_without_scheme": "The threat is a URL without a scheme and is sent with http.",
    "unknown_classification": "The threat's classification is not in the table and gives no code.",
    "no_classification": "The threat has no classification and gets no ATT&CK code.",
    "timestamp_replaced": "The threat's time is not a date. The time of the click or message is sent.",
}


def map_event(event: TapEvent, connector: ProofpointTAPConnector, note: Note) -> list[Detection]:
    """Return a detection for each threat of an event. Raises IssueError if there can be none."""
    event_id, table, detections = read_event_id(event), load_table(connector), list[Detection]()
    for threat in event.threats:
        if judge_threat(threat, connector) is None:
            detections.append(_make_detection(event_id, event, threat, table, note))
    if not detections:
        raise IssueError("no_usable_threat")
    for _ in range(len(event.threats) - len(detections)):
        note("threat_left_out")
    return detections


def _make_detection(event_id: str, event: TapEvent, threat: Threat, table: CodeTable, note: Note) -> Detection:
    kind, value = read_threat(threat) or ("url", "")
    classification = clip((threat.classification or "").lower())
    if not classification:
        note("no_classification")
    if kind == "url" and "://" not in (threat.threat or ""):
        note("url_without_scheme")
    what, field = ("Click on", "url") if event.is_click else ("Message with", "threatsInfoMap.threat")
    return Detection(
        timestamp=read_timestamp(note, threat.threatTime, event.clickTime if event.is_click else event.messageTime),
        ioc=Ioc(kind, value, "Proofpoint TAP", field),
        incident=Incident(
            event_id, classification or "threat", clip(f"{what} threat {threat.threatID or threat.threatId or ''}")
        ),
        detection=Method("Proofpoint Threat Detection", "correlation"),
        mitre_codes=table.find_codes(classification, note),
    )
