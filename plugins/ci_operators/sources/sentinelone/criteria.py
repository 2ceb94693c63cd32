"""Which SentinelOne threats Recorded Future's documentation lets into Collective Insights (its FAQ 3).

a. there is a threat information section inside the threat;
b. there is at least one usable value of sha256, sha1, md5 under it (in this order of precedence).

Option "Only Fetch Analyst-Verified Events" adds: an analyst has judged the threat.
"""

from __future__ import annotations

import re

from ci_operators.core.indicator import is_trivial_hash, read_hash
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.sentinelone.threat import ThreatInfo, find_id, read_threat

#: Precedence of the hashes.
HASH_KINDS = ("sha256", "sha1", "md5")

#: Reason code -> the criterion in words.
DROP_REASONS = {
    "missing_threat_info": "There is no threat information section inside the threat.",
    "no_usable_hash": "None of sha256, sha1 and md5 under the threat information is a well-formed hash.",
    "not_analyst_verified": "No analyst has verified the threat (option only_analyst_verified).",
    "false_positive": "An analyst judged the threat a false positive (option false_positives: drop).",
    "command_line_hash": "The hash stands for a command line, not a file (option command_line_hashes: drop).",
    "trivial_hash": "The hash stands for empty or trivial content (option trivial_hashes: drop).",
}

#: Reason code -> the question of Recorded Future's FAQ that it answers. Options are ours: no question asks for them.
FAQ = {"missing_threat_info": "FAQ 3", "no_usable_hash": "FAQ 3"}

#: SentinelOne names a command-line threat "powershell.exe (CLI fa08)" after the first digits of its sha1.
_COMMAND_LINE = re.compile(r"\(CLI ([0-9a-f]{4})\)\s*\Z", re.ASCII | re.IGNORECASE)


def criteria_for(connector: SentinelOneConnector) -> Step:
    """Return the filter step of a connector: passes the event on as it is, or says why not."""

    def keep(event: bytes) -> bytes | Dropped | Quarantined:
        threat = read_threat(event)
        if threat is None:
            return Quarantined("event_not_an_object", None, "The event is no JSON object.")
        if threat.threatInfo is None:
            return Dropped("missing_threat_info", threat.id)
        reason = _find_reason(threat.threatInfo, connector)
        return event if reason is None else Dropped(reason, find_id(threat))

    return keep


def choose_hash(info: ThreatInfo) -> str | None:
    """Return the threat's first well-formed hash by precedence, in lower case."""
    return read_hash("sha256", info.sha256) or read_hash("sha1", info.sha1) or read_hash("md5", info.md5)


def is_command_line(info: ThreatInfo) -> bool:
    """Return whether the threat's hash is that of a command line."""
    found = _COMMAND_LINE.search(info.threatName or "")
    return found is not None and (info.sha1 or "").lower().startswith(found[1].lower())


def _find_reason(info: ThreatInfo, connector: SentinelOneConnector) -> str | None:
    value = choose_hash(info)
    if value is None:
        return "no_usable_hash"
    if connector.only_analyst_verified and info.analystVerdict not in connector.verified_verdicts:
        return "not_analyst_verified"
    if connector.false_positives == "drop" and info.analystVerdict == "false_positive":
        return "false_positive"
    if connector.command_line_hashes == "drop" and is_command_line(info):
        return "command_line_hash"
    if connector.trivial_hashes == "drop" and is_trivial_hash(value):
        return "trivial_hash"
    return None
