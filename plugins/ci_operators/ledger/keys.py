"""Keys of detections: a detection has the same key in every run and try."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ci_operators.core.text import storable

KEY_BYTES = 16
_HALF = KEY_BYTES // 2


def event_key(connector: str, event_id: str) -> bytes:
    """Return the 8 bytes that begin the keys of all detections of an event of a connector."""
    return _hash(connector, event_id)


def detection_key(connector: str, event_id: str, indicator_type: str, indicator: str) -> bytes:
    """Return the 16-byte key of a detection: of its connector, source event id, indicator type, and value."""
    return _hash(connector, event_id) + _hash(indicator_type, indicator)


def key_array(keys: Iterable[bytes]) -> str:
    """Return keys as a text that PostgreSQL casts to bytea[], which takes a third of the time of a list of values."""
    items = [f'"\\\\x{key.hex()}"' for key in keys]
    return "{" + ",".join(items) + "}"


def _hash(kind: str, name: str) -> bytes:
    """Return the hash of a name as PostgreSQL stores it, so that a key can be made again from the ledger alone."""
    return hashlib.sha256(f"{kind}\0{storable(name)}".encode()).digest()[:_HALF]
