"""The few fields of a SentinelOne threat that criteria and mapping need, read fast or, failing that, tolerantly.

Every member is optional: threats with absent keys, null and "" have all been seen where a hash is due.
Source: Management API v2.1, GET /threats.
"""

from __future__ import annotations

from msgspec import Struct

from ci_operators.core.tolerant import make_reader


class ThreatInfo(Struct, frozen=True, gc=False):
    """The `threatInfo` section."""

    threatId: str | None = None  # SentinelOne's spelling, here and below
    threatName: str | None = None
    classification: str | None = None
    analystVerdict: str | None = None
    createdAt: str | None = None
    identifiedAt: str | None = None
    sha256: str | None = None
    sha1: str | None = None
    md5: str | None = None


class Technique(Struct, frozen=True, gc=False):
    """`name` is the ATT&CK id ("T1055.012"), `link` its page ("…/techniques/T1055/012/")."""

    name: str | None = None
    link: str | None = None


class Tactic(Struct, frozen=True, gc=False):
    """`name` in words ("Defense Evasion"); `techniques` may be empty or absent."""

    name: str | None = None
    techniques: list[Technique | None] | None = None


class Indicator(Struct, frozen=True, gc=False):
    """A behaviour that was seen; `tactics` may be empty or null."""

    tactics: list[Tactic | None] | None = None


class Threat(Struct, frozen=True, gc=False):
    """One threat, as far as the criteria read it."""

    id: str | None = None
    threatInfo: ThreatInfo | None = None


class ThreatWithIndicators(Struct, frozen=True, gc=False):
    """One threat, as far as the mapping reads it."""

    id: str | None = None
    threatInfo: ThreatInfo | None = None
    indicators: list[Indicator | None] | None = None


#: What of a threat tells of a person, their computer or their files (Management API v2.1, GET /threats).
PERSONAL = (
    "agentDetectionInfo",
    "agentRealtimeInfo",
    "containerInfo",
    "kubernetesInfo",
    "ecsInfo",
    "threatInfo.threatName",
    "threatInfo.storyline",
    "threatInfo.processUser",
    "threatInfo.filePath",
    "threatInfo.originatorProcess",
    "threatInfo.maliciousProcessArguments",
    "threatInfo.initiatingUserId",
    "threatInfo.initiatingUsername",
    "threatInfo.rootProcessUpn",
    "threatInfo.externalTicketId",
    "threatInfo.macroModules",
)

read_threat = make_reader(Threat)
#: The same with its indicators, which the criteria do not read.
read_threat_with_indicators = make_reader(ThreatWithIndicators)


def find_id(threat: Threat | ThreatWithIndicators) -> str | None:
    """Return the threat's id: `threatInfo.threatId`, else its mirror at the top."""
    return (threat.threatInfo and threat.threatInfo.threatId) or threat.id


def read_id(event: bytes) -> str | None:
    """Return the threat's id, None if it has none."""
    threat = read_threat(event)
    return find_id(threat) if threat else None
