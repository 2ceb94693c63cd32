"""Recorded Future's side: correct answers to submissions and searches, and damaged ones."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from typing import Any

import requests

from tests.fuzz.answering import Reply, spoil
from tests.fuzz.choices import Choices
from tests.fuzz.damage import damage, damage_text, encode
from tests.fuzz.odd import odd_text

JSON_TYPE = {"Content-Type": "application/json"}


def answer_submission(request: requests.PreparedRequest, choices: Choices) -> Reply:
    """Return an answer to a submission: mostly the correct one, otherwise a damaged one or a refusal."""
    body = json.loads(request.body or b"")
    processed = Counter(entry["ioc"]["type"] for entry in body["data"])
    answer: Any = {
        "result": {"status": "OK", "debug": body["options"]["debug"], "summary": {"processed": dict(processed)}}
    }
    named = [entry["transient_id"] for entry in body["data"] if "transient_id" in entry]
    if named and choices.happens(4):
        answer["result"]["summary"]["dropped"] = [{"transient_id": choices.pick(named), "reason": odd_text(choices)}]
        if choices.happens(2):
            answer["result"]["summary"]["processed"]["ip"] -= 1
    if choices.happens(5):
        answer = damage(answer, choices)
    if choices.happens(16):
        answer = damage({"message": odd_text(choices), "error": {"message": odd_text(choices)}}, choices)
    return spoil(damage_text(encode(answer, choices), choices), JSON_TYPE, choices)


def answer_search(
    request: requests.PreparedRequest, choices: Choices, stored: list[dict[str, Any]] | None = None
) -> Reply:
    """Return an answer to a search, with these detections or an invented one."""
    del request
    hit = {
        "indicator": {"type": "ip", "value": "198.51.0.1"},
        "incident": {"id": "event-00001"},
        "detection_time": "2026-03-10T11:00:01.000Z",
    }
    answer: Any = {"data": [hit] if stored is None else stored, "count": 1}
    if choices.happens(2):
        answer = damage(answer, choices)
    return spoil(damage_text(encode(answer, choices), choices), JSON_TYPE, choices)


def says_it_is_stored(reply: Reply, *, debug: bool) -> bool:
    """Return whether an answer counts what was sent, as read by the standard library."""
    if reply.status != 200 or reply.broken:
        return False
    try:
        result = json.loads(_unpack(reply).decode("utf-8", "replace"))["result"]
        return result["debug"] is debug and bool(result["summary"]["processed"] or "dropped" in str(result))
    except (ValueError, TypeError, LookupError, RecursionError):
        return False


def _unpack(reply: Reply) -> bytes:
    kind = reply.headers.get("Content-Encoding", "")
    try:
        return gzip.decompress(reply.body) if "gzip" in kind else reply.body
    except (OSError, EOFError, zlib.error):
        return zlib.decompressobj(31).decompress(reply.body) if reply.body[:2] == b"\x1f\x8b" else b""
