"""A cron script for Okta, for comparison: everything in memory, with `requests` and `json`."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

import requests

BATCH_SIZE = 100
REASONS = {
    "password spray": "T1110.003",
    "login failures with high unknown users count": "T1110.004",
    "login failures": "T1110.001",
}
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63}")


def run(url: str, token: str, *, debug: bool = True) -> list[str]:
    """Return the payloads that would be posted."""
    detections = [to_detection(event) for event in fetch_events(url, token) if is_wanted(event)]
    return make_payloads([detection for detection in detections if is_valid(detection)], debug=debug)


def deliver(payloads: list[str], url: str, token: str) -> None:
    """Post the payloads, one after the other."""
    session = requests.Session()
    session.headers.update({"X-RFToken": token, "Content-Type": "application/json"})
    for payload in payloads:
        answer = session.post(f"{url}/collective-insights/detections", data=payload, timeout=60)
        answer.raise_for_status()
        assert answer.json()["result"]["status"] == "OK"


def fetch_events(url: str, token: str) -> list[dict[str, Any]]:
    """Return the events of all pages."""
    events: list[dict[str, Any]] = []
    session = requests.Session()
    session.headers["Authorization"] = f"SSWS {token}"
    params = {"since": "2026-01-01T00:00:00Z", "limit": "1000"}
    answer = session.get(f"{url}/api/v1/logs", params=params, timeout=60)
    while True:
        answer.raise_for_status()
        events.extend(answer.json())
        if "next" not in answer.links:
            return events
        answer = session.get(answer.links["next"]["url"], timeout=60)


def is_wanted(event: dict[str, Any]) -> bool:
    """Return whether the event meets the documented criteria."""
    if event.get("eventType") != "security.threat.detected":
        return False
    return bool(event.get("actor")) and event["actor"].get("displayName") is not None


def to_detection(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as an entry of the payload."""
    indicator = event["actor"]["displayName"].strip()
    reason = (event.get("outcome") or {}).get("reason")
    phrases = [phrase.strip().lower() for phrase in (reason or "").split(",")]
    return {
        "timestamp": event["published"],
        "ioc": {
            "type": "ip" if is_ip(indicator) else "domain",
            "value": indicator,
            "source_type": "Okta",
            "field": "actor.displayName",
        },
        "incident": {"id": event["uuid"], "type": event["eventType"], "name": event["displayMessage"]},
        "detection": {"type": "correlation", "name": f"Okta Threat Detection: {reason}" if reason else "Okta"},
        "mitre_codes": list(dict.fromkeys(REASONS[phrase] for phrase in phrases if phrase in REASONS)),
    }


def is_valid(detection: dict[str, Any]) -> bool:
    """Return whether the value is an address or a domain."""
    ioc = detection["ioc"]
    return ioc["type"] == "ip" or DOMAIN.fullmatch(ioc["value"].lower()) is not None


def is_ip(text: str) -> bool:
    """Return whether `text` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def make_payloads(detections: list[dict[str, Any]], *, debug: bool) -> list[str]:
    """Return the bodies of the requests to Recorded Future."""
    batches = [detections[start : start + BATCH_SIZE] for start in range(0, len(detections), BATCH_SIZE)]
    return [json.dumps({"options": {"debug": debug, "summary": True}, "data": batch}) for batch in batches]
