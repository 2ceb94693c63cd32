"""What is read of a SentinelOne threat, and which threats Recorded Future's documentation lets in (its FAQ 3).

a. there is a threat information section inside the threat;
b. there is at least one usable value of sha256, sha1, md5 under it (in this order of precedence).

Option "Only Fetch Analyst-Verified Events" adds: an analyst has judged the threat. Every member is optional: threats
with absent keys, null and "" have all been seen where a hash is due. Source: Management API v2.1, GET /threats.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ci_operators.core.indicator import is_trivial_hash, read_hash
from ci_operators.core.tolerant import make_reader
from ci_operators.sources.sentinelone.options import SentinelOneConnector

#: Reason code -> the criterion in words.
DROP_REASONS = {
    "missing_threat_info": "There is no threat information section inside the threat.",
    "no_usable_hash": "None of sha256, sha1 and md5 under the threat information is a well-formed hash.",
    "not_analyst_verified": "No analyst has verified the threat (option only_analyst_verified).",
    "false_positive": "An analyst judged the threat a false positive (option false_positives: drop).",
    "command_line_hash": "The hash stands for a command line, not a file (option command_line_hashes: drop).",
    "trivial_hash": "The hash stands for empty or trivial content (option trivial_hashes: drop).",
}

#: SentinelOne names a command-line threat "powershell.exe (CLI fa08)" after the first digits of its sha1.
_COMMAND_LINE = re.compile(r"\(CLI ([0-9a-f]{4})\)\s*\Z", re.ASCII | re.IGNORECASE)


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

    def find_hash(self) -> str | None:
        """Return the first well-formed hash by precedence, in lower case."""
        return read_hash("sha256", self.sha256) or read_hash("sha1", self.sha1) or read_hash("md5", self.md5)

    @property
    def is_command_line(self) -> bool:
        """Return whether the threat's hash is that of a command line."""
        found = _COMMAND_LINE.search(self.threatName or "")
        return found is not None and (self.sha1 or "").lower().startswith(found[1].lower())


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

    @property
    def event_id(self) -> str | None:
        """Return the threat's id: `threatInfo.threatId`, else its mirror at the top."""
        return (self.threatInfo and self.threatInfo.threatId) or self.id


class ThreatWithIndicators(Threat, frozen=True, gc=False):
    """One threat, as far as the mapping reads it."""

    indicators: list[Indicator | None] | None = None

    @property
    def tactics(self) -> list[Tactic]:
        """Return the tactics of all indicators."""
        return [tactic for each in self.indicators or () if each for tactic in each.tactics or () if tactic]


read_threat = make_reader(Threat)
#: The same with its indicators, which the criteria do not read.
read_threat_with_indicators = make_reader(ThreatWithIndicators)


def find_reason(threat: Threat, connector: SentinelOneConnector) -> str | None:
    """Return the code of the criterion that excludes a threat, None if none does."""
    info = threat.threatInfo
    if info is None:
        return "missing_threat_info"
    value = info.find_hash()
    if value is None:
        return "no_usable_hash"
    if connector.only_analyst_verified and info.analystVerdict not in connector.verified_verdicts:
        return "not_analyst_verified"
    if connector.false_positives == "drop" and info.analystVerdict == "false_positive":
        return "false_positive"
    if connector.command_line_hashes == "drop" and info.is_command_line:
        return "command_line_hash"
    return "trivial_hash" if connector.trivial_hashes == "drop" and is_trivial_hash(value) else None
