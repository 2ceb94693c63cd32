"""What a fault does to an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, unquote

import orjson

from simulator.exchange import JSON_TYPE, Call, Reply
from simulator.faults import SENTINELONE, Fault

FOREIGN_ORIGIN: Final = "https://foreign.example.net"
WITHOUT_HANDLING: Final = frozenset({"status", "html_200", "drop_connection", "concurrency_limit"})
_PAGE: Final = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
_NEXT: Final = re.compile(r'<[^>]*>; rel="next"')


def replaced_reply(fault: Fault, usual: Reply) -> Reply:
    """Returns the answer of a fault that needs no handling; `usual` is the vendor's own for its status."""
    if fault.kind == "html_200":
        return Reply(200, _PAGE, content_type="text/html; charset=utf-8")
    reply = usual if fault.body is None else _with_body(usual, fault.body)
    return replace(reply, headers=_overridden(reply.headers, fault.headers))


def tampered(fault: Fault, reply: Reply, call: Call) -> Reply:
    """Returns the vendor's answer as the fault spoils it."""
    if fault.kind == "truncated_json":
        return replace(reply, body=reply.body[: max(1, len(reply.body) // 2)])
    if fault.kind == "empty_body":
        return replace(reply, body=b"")
    if reply.status != 200:
        return reply
    if fault.kind == "wrong_counts":
        return replace(reply, body=_miscounted(reply.body))
    if fault.kind == "partial_errors":
        return replace(reply, body=_with_errors(reply.body))
    if fault.kind == "foreign_next_link":
        return _with_next(reply, call, FOREIGN_ORIGIN)
    if fault.kind == "repeated_cursor":
        return _with_repeated(reply, call) if fault.vendor == SENTINELONE else _with_next(reply, call, call.origin)
    return reply


def _with_body(usual: Reply, body: Any) -> Reply:
    if isinstance(body, str | bytes):
        raw = body.encode() if isinstance(body, str) else body
        return replace(usual, body=raw, content_type="text/plain; charset=utf-8")
    return replace(usual, body=orjson.dumps(body), content_type=JSON_TYPE)


def _overridden(headers: tuple[tuple[str, str], ...], changes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    changed = {name.lower() for name in changes}
    return (*(pair for pair in headers if pair[0].lower() not in changed), *changes.items())


def _miscounted(body: bytes) -> bytes:
    answer = orjson.loads(body)
    processed = answer.get("result", {}).get("summary", {}).get("processed")
    if processed:
        largest = max(processed, key=lambda kind: processed[kind])
        processed[largest] -= 1
    return orjson.dumps(answer)


def _with_next(reply: Reply, call: Call, origin: str) -> Reply:
    """Returns the page with a next link to itself (same origin) or to the next page on a foreign origin."""
    own = f"{call.path}?{call.query}" if call.query else call.path
    links = [value for name, value in reply.headers if name == "Link"]
    found = next((match[0] for link in links if (match := _NEXT.search(link))), None)
    target = own if origin == call.origin or found is None else found[1 : found.index(">")].removeprefix(call.origin)
    kept = [_NEXT.sub("", link).strip(", ") for link in links]
    others = tuple(pair for pair in reply.headers if pair[0] != "Link")
    lines = [link for link in kept if link] + [f'<{origin}{target}>; rel="next"']
    return replace(reply, headers=(*others, *(("Link", line) for line in lines)))


def _with_errors(body: bytes) -> bytes:
    """Returns the page of which a part of the console could not answer: the last page, by its cursor."""
    answer = orjson.loads(body)
    errors = [{"code": 5000010, "title": "Internal Server Error", "detail": "Server could not process the request."}]
    pagination = {**answer["pagination"], "nextCursor": None}
    return orjson.dumps({"data": answer["data"][::2], "errors": errors, "pagination": pagination})


def _with_repeated(reply: Reply, call: Call) -> Reply:
    answer = orjson.loads(reply.body)
    cursor = next(text for name, text in call.pairs if name == "cursor")
    answer["pagination"]["nextCursor"] = quote(unquote(cursor), safe="")
    return replace(reply, body=orjson.dumps(answer))
