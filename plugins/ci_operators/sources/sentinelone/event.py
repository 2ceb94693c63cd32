"""The members read from a threat or a unified alert, and the criteria of Recorded Future's documentation (FAQ 3).

a. there is a threat information section inside the threat;
b. there is at least one usable value of sha256, sha1, md5 under it (in this order of precedence).

Option "Only Fetch Analyst-Verified Events" adds: an analyst has judged the threat. Every member is optional: threats
with absent keys, null and "" have all been seen where a hash is due. Sources: Management API v2.1, GET /threats; the
schema of Unified Alert Management, type UnifiedAlert.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ci_operators.core.indicator import is_trivial_hash, read_hash
from ci_operators.core.tolerant import make_reader
from ci_operators.sources.attack_entries import Entry
from ci_operators.sources.sentinelone import ABOUT
from ci_operators.sources.sentinelone.options import SentinelOneConnector

#: Reason code -> the criterion in words.
DROP_REASONS = {
    "missing_threat_info": "There is no threat information section inside the threat.",
    "third_party_alert": "Another vendor's product raised the alert (option third_party_alerts: drop).",
    "no_usable_hash": "None of sha256, sha1 and md5 of the threat (or an alert's process file) is a well-formed hash.",
    "not_analyst_verified": "No analyst has verified the threat (option only_analyst_verified).",
    "false_positive": "An analyst judged the threat a false positive (option false_positives: drop).",
    "command_line_hash": "The hash is that of a command line, not of a file (option command_line_hashes: drop).",
    "trivial_hash": "The hash is that of empty or trivial content (option trivial_hashes: drop).",
}

#: SentinelOne names a command-line threat "powershell.exe (CLI fa08)" after the first digits of its sha1.
_COMMAND_LINE = re.compile(r"\(CLI ([0-9a-f]{4})\)\s*\Z", re.ASCII | re.IGNORECASE)


class ThreatInfo(Struct, frozen=True, gc=False):
    """The `threatInfo` section of a threat. Of an alert, `process.file` has the hashes."""

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
    def is_false_positive(self) -> bool:
        """Return whether an analyst judged it a false positive; an alert's verdict says of which kind."""
        return (self.analystVerdict or "").lower().startswith("false_positive")

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

    def as_entry(self) -> Entry:
        """Return it with its techniques; one that is null counts as unknown."""
        return Entry([(each.name, each.link) if each else (None, None) for each in self.techniques or ()], self.name)


class AttackObject(Struct, frozen=True, gc=False):
    """A tactic or a technique of an alert: `uid` is its ATT&CK id."""

    uid: str | None = None
    name: str | None = None
    sourceUrl: str | None = None


class Attack(Struct, frozen=True, gc=False):
    """A technique of an alert with its tactic; each may be null."""

    tactic: AttackObject | None = None
    technique: AttackObject | None = None

    def as_entry(self) -> Entry:
        """Return it with its technique. The schema allows the id of a technique as a tactic's `uid`."""
        tactic, technique = self.tactic or AttackObject(), self.technique
        name = tactic.uid if (tactic.uid or "").upper().startswith("TA") else tactic.name
        return Entry([(technique.uid, technique.sourceUrl)] if technique else [], name)


class Indicator(Struct, frozen=True, gc=False):
    """A behavior that was seen. A threat's has `tactics`, an alert's `attacks`. Both may be empty or null."""

    tactics: list[Tactic | None] | None = None
    attacks: list[Attack | None] | None = None


class Process(Struct, frozen=True, gc=False):
    """The process that caused an alert. (The alert's `fileHash` is deprecated, and may be the text "N/A".)"""

    file: ThreatInfo | None = None


class DetectionSource(Struct, frozen=True, gc=False):
    """Who raised an alert: SentinelOne or another vendor."""

    vendor: str | None = None


class Event(Struct, frozen=True, gc=False):
    """A threat, which has `id` and `threatInfo`, or an alert, as far as the criteria read it."""

    id: str | None = None
    threatInfo: ThreatInfo | None = None
    externalId: str | None = None
    name: str | None = None
    classification: str | None = None
    analystVerdict: str | None = None
    detectedAt: str | None = None
    createdAt: str | None = None
    detectionSource: DetectionSource | None = None
    process: Process | None = None

    @property
    def event_id(self) -> str | None:
        """Return the threat's id: `threatInfo.threatId`, `externalId` of an alert that is a threat too, or `id`."""
        written = self.threatInfo.threatId if self.threatInfo else None
        return next(filter(is_id, (written, self.externalId, self.id)), None)

    def find_info(self, connector: SentinelOneConnector) -> ThreatInfo | None:
        """Return the threat information; an alert's is put together from its members."""
        if not connector.reads_alerts:
            return self.threatInfo
        file = (self.process and self.process.file) or ThreatInfo()
        return ThreatInfo(
            threatName=self.name,
            classification=self.classification,
            analystVerdict=self.analystVerdict,
            createdAt=self.createdAt,
            identifiedAt=self.detectedAt,
            sha256=file.sha256,
            sha1=file.sha1,
            md5=file.md5,
        )

    @property
    def is_third_party(self) -> bool:
        """Return whether another vendor's product raised the alert."""
        vendor = (self.detectionSource and self.detectionSource.vendor) or ABOUT.title
        return vendor.strip().lower() != ABOUT.title.lower()


class EventWithIndicators(Event, frozen=True, gc=False):
    """A threat or an alert, as far as the mapping reads it."""

    indicators: list[Indicator | None] | None = None

    @property
    def tactics(self) -> list[Entry]:
        """Return the tactics of all indicators."""
        found = list[Tactic | Attack | None]()
        for each in filter(None, self.indicators or ()):
            found += [*(each.tactics or ()), *(each.attacks or ())]
        return [named.as_entry() for named in found if named]


read_event = make_reader(Event)
#: The same with its indicators, which the criteria do not read.
read_whole_event = make_reader(EventWithIndicators)


def is_id(text: str | None) -> bool:
    """Return whether the text is an id: nothing, and what SentinelOne writes for nothing, is not one."""
    return bool(text) and text != "N/A"


def find_reason(event: Event, connector: SentinelOneConnector) -> str | None:
    """Return the code of the criterion that excludes a threat or an alert, None if none does."""
    info = event.find_info(connector)
    if info is None:
        return "missing_threat_info"
    if event.is_third_party and connector.third_party_alerts == "drop":
        return "third_party_alert"
    value = info.find_hash()
    if value is None:
        return "no_usable_hash"
    if connector.only_analyst_verified and info.analystVerdict not in connector.verdicts:
        return "not_analyst_verified"
    if connector.false_positives == "drop" and info.is_false_positive:
        return "false_positive"
    if connector.command_line_hashes == "drop" and info.is_command_line:
        return "command_line_hash"
    return "trivial_hash" if connector.trivial_hashes == "drop" and is_trivial_hash(value) else None
