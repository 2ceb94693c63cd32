"""The fields of a Falcon alert (model detects.Alert of CrowdStrike's SDKs), and the criteria for alerts."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ci_operators.core.tolerant import make_reader
from ci_operators.sources.crowdstrike.options import CrowdStrikeConnector
from ci_operators.sources.indicators import Named, read_indicators

#: Reason code -> its meaning.
DROP_REASONS = {
    "other_product": "The alert's product is not in option products.",
    "low_severity": "The alert's severity is below option min_severity, or is not a number.",
    "low_confidence": "The alert's confidence is below option min_confidence, or is not a number.",
    "not_analyst_verified": "The alert's resolution is not true_positive (option only_analyst_verified).",
    "false_positive": "An analyst classified the alert as a false positive (option false_positives: drop).",
    "process_hash_only": "The alert names only the hash of the acting process (option process_hashes: drop).",
    "excluded_indicators": "Options private_addresses and trivial_hashes exclude all of the alert's indicators.",
    "no_indicators": "The alert has no address, domain, or hash.",
}


class IocEntry(Struct, frozen=True, gc=False):
    """An entry of `ioc_context`, or a quarantined file, which has only `sha256`."""

    ioc_type: str | None = None
    ioc_value: str | None = None
    sha256: str | None = None


class AttackEntry(Struct, frozen=True, gc=False):
    """A technique and its tactic, from ATT&CK or CrowdStrike's own (CST0002, CSTA0006)."""

    technique_id: str | None = None
    tactic_id: str | None = None


class Alert(AttackEntry, frozen=True, gc=False):
    """One alert. `sha256` and `md5` are of the acting process, often a system program, and not indicators."""

    composite_id: str | None = None
    id: str | None = None
    product: str | None = None
    type: str | None = None
    display_name: str | None = None
    description: str | None = None
    severity: int | str | None = None
    confidence: int | str | None = None
    resolution: str | None = None
    timestamp: str | None = None
    created_timestamp: str | None = None
    mitre_attack: list[AttackEntry | None] | None = None
    sha256: str | None = None
    md5: str | None = None
    ioc_type: str | None = None
    ioc_value: str | None = None
    ioc_values: list[str | None] | None = None
    ioc_context: list[IocEntry | None] | None = None
    quarantined_files: list[IocEntry | None] | None = None

    @property
    def event_id(self) -> str | None:
        """Return the alert's id, or the shorter id, which is unique only within a customer."""
        return self.composite_id or self.id


read_alert = make_reader(Alert)


def list_indicators(alert: Alert, connector: CrowdStrikeConnector) -> Iterator[Named]:
    """Yield the indicators that an alert names; the acting process comes last, and only if its option is set."""
    for entry in filter(None, alert.ioc_context or ()):
        by_hash = ("ioc_context.sha256", "hash", entry.sha256)
        yield ("ioc_context.ioc_value", entry.ioc_type, entry.ioc_value) if entry.ioc_value else by_hash
    yield "ioc_value", alert.ioc_type, alert.ioc_value
    yield from (("ioc_values", alert.ioc_type, value) for value in alert.ioc_values or ())
    yield from (("quarantined_files.sha256", "hash", file.sha256) for file in alert.quarantined_files or () if file)
    if connector.process_hashes == "send":
        yield ("sha256", "hash", alert.sha256) if alert.sha256 else ("md5", "hash", alert.md5)


def find_reason(alert: Alert, connector: CrowdStrikeConnector) -> str | None:
    """Return the code of the criterion that excludes an alert, or None."""
    if connector.products and alert.product not in connector.products:
        return "other_product"
    if _is_below(alert.severity, connector.min_severity):
        return "low_severity"
    if _is_below(alert.confidence, connector.min_confidence):
        return "low_confidence"
    if connector.only_analyst_verified and alert.resolution != "true_positive":
        return "not_analyst_verified"
    if connector.false_positives == "drop" and alert.resolution == "false_positive":
        return "false_positive"
    notes: list[str] = []
    if any(read_indicators(list_indicators(alert, connector), connector, notes.append)):
        return None
    if "excluded_indicator" in notes:
        return "excluded_indicators"
    has_process = (alert.sha256 or alert.md5) and connector.process_hashes == "drop"
    return "process_hash_only" if has_process else "no_indicators"


def _is_below(score: int | str | None, least: int) -> bool:
    try:
        return least > 0 and not float(score or "") >= least
    except ValueError:
        return True
