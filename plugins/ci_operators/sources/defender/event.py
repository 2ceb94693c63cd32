"""The fields of an alert, and the criteria: an alert is sent if its evidence has an indicator.

Recorded Future's page has no criteria: these are ours. Every member is optional and can be null.
Source: Microsoft Graph v1.0, microsoft.graph.security.alert.
"""

from __future__ import annotations

from msgspec import Struct

from ci_operators.core.tolerant import make_reader
from ci_operators.core.verdict import Note
from ci_operators.sources.defender.evidence import Evidence, list_indicators
from ci_operators.sources.defender.options import MicrosoftDefenderXDRConnector
from ci_operators.sources.indicators import Indicators, find_indicators, read_indicators

#: Reason code -> its meaning.
DROP_REASONS = {
    "not_analyst_verified": "The alert is not classified as a true positive (option only_analyst_verified).",
    "false_positive": "The alert is classified as a false positive (option false_positives: drop).",
    "no_evidence": "The alert has no evidence.",
    "other_verdict": "No evidence has one of the verdicts in option evidence_verdicts.",
    "excluded_indicators": "Options private_addresses and trivial_hashes exclude all of the alert's indicators.",
    "no_indicators": "The evidence with such a verdict has no hash, URL, address, or public domain.",
}


class Alert(Struct, frozen=True, gc=False):
    """One alert."""

    id: str | None = None
    title: str | None = None
    classification: str | None = None
    serviceSource: str | None = None  # Graph's spelling, here and below
    detectionSource: str | None = None
    createdDateTime: str | None = None
    mitreTechniques: list[str | None] | None = None
    evidence: list[Evidence | None] | None = None

    @property
    def event_id(self) -> str | None:
        """Return the alert's id."""
        return self.id

    def find_evidence(self, connector: MicrosoftDefenderXDRConnector) -> list[Evidence]:
        """Return the evidence with a verdict that the connector sends."""
        return [each for each in self.evidence or () if each and each.verdict in connector.evidence_verdicts]

    def find_indicators(self, connector: MicrosoftDefenderXDRConnector, note: Note) -> Indicators:
        """Return the indicators of that evidence; note what is left out, each kind once."""
        left_out = dict[str, None]()
        named = list_indicators(self.find_evidence(connector), left_out.setdefault)
        found = find_indicators(named, connector, left_out.setdefault)
        for code in left_out:
            note(code)
        return found


read_alert = make_reader(Alert)


def find_reason(alert: Alert, connector: MicrosoftDefenderXDRConnector) -> str | None:
    """Return the code of the criterion that excludes an alert, or None."""
    if connector.only_analyst_verified and alert.classification != "truePositive":
        return "not_analyst_verified"
    if connector.false_positives == "drop" and alert.classification == "falsePositive":
        return "false_positive"
    if not alert.evidence:
        return "no_evidence"
    evidence, notes = alert.find_evidence(connector), list[str]()
    if not evidence:
        return "other_verdict"
    if any(read_indicators(list_indicators(evidence, notes.append), connector, notes.append)):
        return None
    return "excluded_indicators" if "excluded_indicator" in notes else "no_indicators"
