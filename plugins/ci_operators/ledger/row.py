"""A detection as the ledger knows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from ci_operators.ledger.keys import detection_key


class _Ioc(Struct, frozen=True):
    type: str
    value: str


class _Incident(Struct, frozen=True):
    id: str


class _Detection(Struct, frozen=True):
    timestamp: str
    ioc: _Ioc
    incident: _Incident
    mitre_codes: list[str] = []


_decode = msgspec.json.Decoder(_Detection).decode


@dataclass(frozen=True, slots=True)
class Row:
    """One detection: its key, what is looked up of it, and its JSON text as it is sent."""

    key: bytes
    event_id: str
    indicator_type: str
    indicator: str
    detected_at: str
    codes: list[str] = field(repr=False)
    text: bytes = field(repr=False)


def read_row(connector: str, text: bytes) -> Row:
    """Return the row of a validated detection."""
    found = _decode(text)
    kind, value, event_id = found.ioc.type, found.ioc.value, found.incident.id
    key = detection_key(connector, event_id, kind, value)
    return Row(key, event_id, kind, value, found.timestamp, found.mitre_codes, text)
