"""A record without what may be personal data: for a ticket, a chat, a screen that others see."""

from __future__ import annotations

import json
from typing import Any

HIDDEN = "***"
#: Whose values say nothing of a person: kinds, codes, times and hashes. All other texts and numbers are hidden.
SHOWN = frozenset({
    "eventType", "published", "severity", "version", "legacyEventType", "displayMessage", "uuid", "type", "result",
    "reason", "threatId", "classification", "classificationSource", "confidenceLevel", "analystVerdict",
    "incidentStatus", "mitigationStatus", "createdAt", "updatedAt", "identifiedAt", "sha256", "sha1", "md5", "id",
    "timestamp", "mitre_codes", "field", "source_type", "link",
})  # fmt: skip
#: Objects that describe a person, a computer or a place: nothing in them is shown, whatever its name.
PERSONAL = frozenset({
    "actor", "client", "target", "device", "agentDetectionInfo", "agentRealtimeInfo", "request", "securityContext",
    "authenticationContext", "debugContext", "transaction",
})  # fmt: skip


def redact_record(record: bytes) -> Any:
    """Return the record's structure; texts and numbers that may tell of a person are `***`, null stays null."""
    try:
        return _redact(json.loads(record), is_shown=False, is_personal=False)
    except (ValueError, RecursionError):
        return f"{HIDDEN} ({len(record)} bytes that are no JSON)"


def read_record(record: bytes) -> Any:
    """Return the record as it is; what is no JSON as text."""
    try:
        return json.loads(record)
    except (ValueError, RecursionError):
        return record.decode("utf-8", "backslashreplace")


def _redact(value: Any, *, is_shown: bool, is_personal: bool) -> Any:
    if isinstance(value, dict):
        return {
            name: _redact(
                member,
                is_shown=name in SHOWN and not is_personal,
                is_personal=is_personal or name in PERSONAL,
            )
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_redact(item, is_shown=is_shown, is_personal=is_personal) for item in value]
    return value if is_shown or value is None or isinstance(value, bool) else HIDDEN
