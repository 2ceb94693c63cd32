"""The validate step: check whether Recorded Future's API accepts a detection.

The contract is our typed model. psengine's takes 0.5 s to import and 22 µs per detection, and does not check
values. The tests compare this contract with psengine's models (decision record 0003).
"""

from __future__ import annotations

import msgspec

from ci_operators.core.attack import AttackTable
from ci_operators.core.detection import Detection, decode_detection
from ci_operators.core.indicator import is_hash, read_domain, read_ip
from ci_operators.core.instant import normalise_instant
from ci_operators.core.verdict import Quarantined, Step
from ci_operators.sources.public_suffix import has_public_suffix

#: Issue code -> its meaning.
ISSUES = {
    "contract_violation": "The detection does not have the structure that the API documents.",
    "malformed_indicator": "The indicator's value does not match its type.",
    "impossible_timestamp": "The timestamp is not a calendar date.",
    "unknown_mitre_code": "The code is not an active ATT&CK code.",
}


def contract_for(table: AttackTable) -> Step:
    """Return the validate step, which passes a detection on unchanged or returns its issue."""

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
    """Return the issue code of a detection whose structure is right, or None."""
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
