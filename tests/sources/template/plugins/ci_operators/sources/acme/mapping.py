"""From an Acme Cloud alert to a detection for each of its indicators."""

from __future__ import annotations

from ci_operators.attack import attack_table
from ci_operators.core.detection import Detection, Incident, IndicatorType, Ioc, Method
from ci_operators.core.indicator import read_domain, read_hash, read_ip
from ci_operators.core.verdict import Note
from ci_operators.sources.acme.event import Alert, Indicator
from ci_operators.sources.acme.options import AcmeCloudConnector
from ci_operators.sources.public_suffix import has_public_suffix
from ci_operators.sources.steps import IssueError, clip, read_event_id, read_timestamp

#: Issue code -> what is wrong, in words.
ISSUES = {"no_usable_indicator": "None of the alert's indicators is an address, a domain or a hash."}
#: Note code -> what was degraded, in words.
NOTES = {
    "unusable_indicator": "An indicator is not an address, a domain or a hash. The others are sent.",
    "unknown_technique": "The technique is not in ATT&CK and gives no code.",
}


def map_alert(alert: Alert, connector: AcmeCloudConnector, note: Note) -> list[Detection]:
    """Return a detection for each usable indicator. Raises IssueError if there is none."""
    del connector  # no option changes the mapping
    incident = Incident(id=read_event_id(alert), type=clip(alert.category) or "Alert")
    read = [_read_indicator(each or Indicator()) for each in alert.indicators or ()]
    found = [each for each in read if each]
    if not found:
        raise IssueError("no_usable_indicator")
    timestamp = read_timestamp(note, alert.time)
    if len(found) < len(read):
        note("unusable_indicator")
    code = attack_table().find_current(alert.technique, note) if alert.technique else None
    return [
        Detection(
            timestamp=timestamp,
            ioc=Ioc(type=kind, value=value, source_type="Acme Cloud", field="indicators.value"),
            incident=incident,
            detection=Method(name="Acme Cloud Threat Detection", type="correlation"),
            mitre_codes=[code] if code else [],
        )
        for kind, value in found
    ]


def _read_indicator(indicator: Indicator) -> tuple[IndicatorType, str] | None:
    text = indicator.value or ""
    if indicator.kind == "ip" and (ip := read_ip(text)):
        return "ip", ip
    if indicator.kind == "hash" and (value := read_hash("sha256", text)):
        return "hash", value
    domain = read_domain(text) if indicator.kind == "domain" else None
    return ("domain", domain) if domain and has_public_suffix(domain) else None
