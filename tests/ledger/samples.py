"""Detections, as validate passes them on, and their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from ci_operators.core.instant import format_instant
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row, read_row
from ci_operators.staging.artifact import Artifact
from tests.artifacts import write_all
from tests.virtual_time import NOON

#: The API refuses this as an address.
NO_ADDRESS = "198.51.100.700"


def detection(
    number: int,
    *,
    value: str | None = None,
    event_id: str | None = None,
    days_ago: int = 0,
    codes: Sequence[str] = ("T1110.003",),
    at: str = "",
) -> bytes:
    """Return the text of a detection with this number."""
    entry = {
        "timestamp": at or format_instant(NOON - timedelta(days=days_ago, hours=1) + timedelta(seconds=number)),
        "ioc": {"type": "ip", "value": value or f"198.51.{number // 250}.{number % 250}", "source_type": "Okta"},
        "incident": {"id": event_id or f"event-{number:05d}", "type": "security.threat.detected"},
        "detection": {"type": "correlation", "name": "Okta Threat Detection"},
        "mitre_codes": list(codes),
    }
    return json.dumps(entry, separators=(",", ":")).encode()


def detections(numbers: Iterable[int]) -> list[bytes]:
    """Return the texts of several."""
    return [detection(number) for number in numbers]


def rows(numbers: Iterable[int], connector: str = "acme") -> list[Row]:
    """Return the rows of several detections."""
    return [read_row(connector, text) for text in detections(numbers)]


def refuse(deliveries: Deliveries, found: Sequence[Row], words: str) -> None:
    """Mark rows as refused by the API, each with the same message."""
    deliveries.reject(found, {row.key: words for row in found})


def stage(directory: Path, texts: Iterable[bytes]) -> Artifact:
    """Write texts as validate's artifact."""
    return write_all(directory / "validate.jsonl.zst", texts)
