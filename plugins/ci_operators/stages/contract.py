"""The validate step: whether a detection is what Recorded Future's API takes.

The contract is a typed model of our own, not psengine's: that costs 0.5 s to import and 22 µs a detection, and
checks no value. The tests hold this contract against psengine's models (decision record 0003).
"""

from __future__ import annotations

import msgspec

from ci_operators.core.attack import AttackTable
from ci_operators.core.detection import Detection, decode_detection
from ci_operators.core.indicator import is_hash, read_domain, read_ip
from ci_operators.core.instant import normalise_instant
from ci_operators.core.verdict import Quarantined, Step
from ci_operators.sources.public_suffix import has_public_suffix

#: Issue code -> what is wrong, in words.
ISSUES = {
    "contract_violation": "The detection is not of the shape the API documents.",
    "malformed_indicator": "The indicator's value is not of its type.",
    "impossible_timestamp": "The timestamp is no date of the calendar.",
    "unknown_mitre_code": "The code is not an active one of ATT&CK.",
}


def contract_for(table: AttackTable) -> Step:
    """Return the validate step: passes a detection on as it is, or says what is wrong with it."""

    def validate(record: bytes) -> bytes | Quarantined:
        try:
            detection = decode_detection(record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
            return Quarantined("contract_violation", None, str(err)[:200])
        issue = find_issue(detection, table)
        if issue is None:
            return record
        return Quarantined(issue, detection.incident.id, ISSUES[issue])

    return validate


def find_issue(detection: Detection, table: AttackTable) -> str | None:
    """Return the code of what is wrong with a well-shaped detection, None if nothing is."""
    if not _is_well_formed(detection.ioc.type, detection.ioc.value):
        return "malformed_indicator"
    try:
        normalise_instant(detection.timestamp)
    except ValueError:
        return "impossible_timestamp"
    if not table.codes.issuperset(detection.mitre_codes):
        return "unknown_mitre_code"
    return None


def _is_well_formed(kind: str, value: str) -> bool:
    if kind == "ip":
        return read_ip(value) == value
    if kind == "domain":
        return read_domain(value) == value and has_public_suffix(value)
    if kind == "hash":
        return is_hash(value)
    return bool(value.strip())
