"""A cron script for SentinelOne, for comparison: everything in memory, with `requests` and `json`."""

from __future__ import annotations

import json
import re
from typing import Any

import requests

BATCH_SIZE = 100
HASH_LENGTHS = {"sha256": 64, "sha1": 40, "md5": 32}
TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


def run(url: str, token: str) -> list[str]:
    """Return the payloads that would be posted."""
    detections = [to_detection(threat) for threat in fetch_threats(url, token) if is_wanted(threat)]
    return make_payloads([detection for detection in detections if is_valid(detection)])


def fetch_threats(url: str, token: str) -> list[dict[str, Any]]:
    """Return the threats of all pages."""
    threats: list[dict[str, Any]] = []
    session = requests.Session()
    session.headers["Authorization"] = f"ApiToken {token}"
    params = {"createdAt__gte": "2026-01-01T00:00:00Z", "limit": "1000"}
    while True:
        answer = session.get(f"{url}/web/api/v2.1/threats", params=params, timeout=60)
        answer.raise_for_status()
        page = answer.json()
        threats.extend(page["data"])
        if not page["pagination"]["nextCursor"]:
            return threats
        params["cursor"] = page["pagination"]["nextCursor"]


def is_wanted(threat: dict[str, Any]) -> bool:
    """Return whether the threat meets the documented criteria."""
    info = threat.get("threatInfo") or {}
    return any(info.get(kind) for kind in HASH_LENGTHS)


def to_detection(threat: dict[str, Any]) -> dict[str, Any]:
    """Return the threat as an entry of the payload."""
    info = threat["threatInfo"]
    kind = next(kind for kind in HASH_LENGTHS if info.get(kind))
    return {
        "timestamp": info["identifiedAt"],
        "ioc": {
            "type": "hash",
            "value": info[kind].lower(),
            "source_type": "SentinelOne",
            "field": f"threatInfo.{kind}",
        },
        "incident": {"id": info["threatId"], "type": info["classification"]},
        "detection": {"type": "correlation", "name": "SentinelOne Threat Detection"},
        "mitre_codes": find_codes(threat.get("indicators")),
    }


def find_codes(indicators: list[dict[str, Any]] | None) -> list[str]:
    """Return the ATT&CK codes of all techniques, each once."""
    codes = {}
    for indicator in indicators or []:
        for tactic in indicator.get("tactics") or []:
            for technique in tactic.get("techniques") or []:
                code = (technique.get("name") or "").strip().upper().replace("/", ".")
                if TECHNIQUE.fullmatch(code):
                    codes[code] = True
    return list(codes)


def is_valid(detection: dict[str, Any]) -> bool:
    """Return whether the value has a hash's length and digits."""
    value = detection["ioc"]["value"]
    return len(value) in HASH_LENGTHS.values() and re.fullmatch("[0-9a-f]+", value) is not None


def make_payloads(detections: list[dict[str, Any]]) -> list[str]:
    """Return the bodies of the requests to Recorded Future."""
    batches = [detections[start : start + BATCH_SIZE] for start in range(0, len(detections), BATCH_SIZE)]
    return [json.dumps({"options": {"debug": True, "summary": True}, "data": batch}) for batch in batches]
