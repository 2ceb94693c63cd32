"""The fields of a click or a message, and Recorded Future's criteria for them."""

from __future__ import annotations

from msgspec import Struct

from ci_operators.core.tolerant import make_reader
from ci_operators.sources.indicators import Indicator, is_private, read_address, read_indicator
from ci_operators.sources.proofpoint.options import ProofpointTAPConnector

#: Reason code -> its meaning. If an event has several threats, the first one gives the reason.
DROP_REASONS = {
    "no_threat": "The message has no entry in threatsInfoMap.",
    "low_scores": "The message does not reach all scores of any group (option score_groups).",
    "no_indicator": "The threat is not a public URL or domain, an IP address, or the hash of a file.",
    "cleared_threat": "Proofpoint cleared the threat or marked it as a false positive (option cleared_threats: drop).",
    "private_address": "The threat is at an address that is not globally reachable (option private_addresses: drop).",
}
Number = str | float | None


class Verdict(Struct, frozen=True, gc=False):
    """Proofpoint's verdict on a threat. Names are Proofpoint's own; a threat without a status is active."""

    threatID: str | None = None
    threatStatus: str | None = None
    threatTime: str | None = None
    classification: str | None = None


class Threat(Verdict, frozen=True, gc=False):
    """An entry of `threatsInfoMap`. Its `threatUrl` leads to Proofpoint's dashboard and is not an indicator."""

    threat: str | None = None
    threatType: str | None = None
    threatId: str | None = None


class TapEvent(Verdict, frozen=True, gc=False):
    """A click and its threat, or a message. Scores can be texts."""

    id: str | None = None
    GUID: str | None = None
    url: str | None = None
    clickTime: str | None = None
    messageTime: str | None = None
    phishScore: Number = None
    malwareScore: Number = None
    impostorScore: Number = None
    spamScore: Number = None
    threatsInfoMap: list[Threat | None] | None = None

    @property
    def is_click(self) -> bool:
        """Return whether the event is a click."""
        return self.url is not None or self.clickTime is not None

    @property
    def event_id(self) -> str | None:
        """Return the event's id, as in Recorded Future's portal, or else the GUID of the message."""
        return self.id or self.GUID or None

    @property
    def threats(self) -> list[Threat]:
        """Return the threats of a message, or the threat of a click."""
        if self.is_click:
            return [Threat(self.threatID, self.threatStatus, self.threatTime, self.classification, self.url, "url")]
        return [each for each in self.threatsInfoMap or () if each]


read_event = make_reader(TapEvent)


def find_reason(event: TapEvent, connector: ProofpointTAPConnector) -> str | None:
    """Return the code of the criterion that excludes an event, or None."""
    if not event.threats:
        return "no_threat"
    if connector.score_groups and not event.is_click and not _reaches_scores(event, connector):
        return "low_scores"
    if any(judge_threat(each, connector) is None for each in event.threats):
        return None
    return judge_threat(event.threats[0], connector)


def judge_threat(threat: Threat, connector: ProofpointTAPConnector) -> str | None:
    """Return the code of the criterion that excludes a threat, or None."""
    if connector.cleared_threats == "drop" and (threat.threatStatus or "").lower() in ("cleared", "falsepositive"):
        return "cleared_threat"
    found = read_threat(threat)
    if found is None:
        return "no_indicator"
    return "private_address" if connector.private_addresses == "drop" and is_private(*found) else None


def read_threat(threat: Threat) -> Indicator | None:
    """Return the indicator of a threat. Its type decides: invoice.zip is an attachment, but could be a domain."""
    kind, text = (threat.threatType or "").lower(), threat.threat or ""
    if kind == "attachment":
        return read_indicator("hash", text)
    return read_address(text) if kind == "url" else None


def _reaches_scores(event: TapEvent, connector: ProofpointTAPConnector) -> bool:
    groups = (group.items() for group in connector.score_groups)
    return any(all(_read_score(getattr(event, f"{name}Score")) >= least for name, least in group) for group in groups)


def _read_score(score: Number) -> float:
    try:
        return float(score or 0)
    except ValueError:
        return 0.0
