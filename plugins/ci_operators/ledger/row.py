"""A detection as a row of the ledger."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ci_operators.ledger.bulk import format_field, is_plain
from ci_operators.ledger.keys import detection_key

#: The columns of `Row.to_line`, in the table `detection`.
COLUMNS = ("key", "batch_id", "connector_id", "event_id", "indicator_type", "indicator", "detected_at", "codes")


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


class Row(Struct, frozen=True, gc=False):
    """One detection: its key, the columns that are looked up, and its JSON text as it is sent."""

    key: bytes
    event_id: str
    indicator_type: str
    indicator: str
    detected_at: str
    codes: list[str]
    text: bytes

    def __repr__(self) -> str:
        return f"Row({self.key.hex()})"  # the rest may be personal data

    def to_line(self, batch: int, connector: int) -> str:
        """Return the row as a line of COPY, with the numbers of its batch and connector."""
        event_id, kind, value, at = self.event_id, self.indicator_type, self.indicator, self.detected_at
        if not is_plain(event_id + kind + value + at):
            event_id, kind, value, at = map(format_field, (event_id, kind, value, at))
        head = f"\\\\x{self.key.hex()}\t{batch}\t{connector}"
        return f"{head}\t{event_id}\t{kind}\t{value}\t{at}\t{format_field(self.codes)}\n"


def read_row(connector: str, text: bytes) -> Row:
    """Return the row of a validated detection."""
    found = _decode(text)
    kind, value, event_id = found.ioc.type, found.ioc.value, found.incident.id
    key = detection_key(connector, event_id, kind, value)
    return Row(key, event_id, kind, value, found.timestamp, found.mitre_codes, text)
