"""Keys: the same detection has the same one, in every run and try."""

from __future__ import annotations

import hashlib

KEY_BYTES = 16
_HALF = KEY_BYTES // 2


def event_key(connector: str, event_id: str) -> bytes:
    """Return the 8 bytes that begin the keys of all detections of an event of a connector."""
    return hashlib.sha256(f"{connector}\0{event_id}".encode("utf-8", "replace")).digest()[:_HALF]


def detection_key(connector: str, event_id: str, indicator_type: str, indicator: str) -> bytes:
    """Return the 16 bytes that stand for a detection: connector, source event id, indicator type and value."""
    tail = hashlib.sha256(f"{indicator_type}\0{indicator}".encode("utf-8", "replace")).digest()[:_HALF]
    return event_key(connector, event_id) + tail
