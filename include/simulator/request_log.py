"""The log of requests to the simulator: no bodies and no headers, only what tests check."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.exchange import Call, Reply


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """One request. status: None if the connection was dropped. entries: rows answered or detections sent."""

    vendor: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int | None
    at: int
    fault: str | None
    entries: int | None
    debug: bool | None


def make_entry(vendor: str, call: Call, reply: Reply | None, fault: str | None) -> RequestEntry:
    """Return the entry of a request with its answer (None: dropped)."""
    facts = {} if reply is None else reply.facts
    return RequestEntry(
        vendor=vendor,
        method=call.method,
        path=call.path,
        query=tuple(call.pairs),
        status=None if reply is None else reply.status,
        at=call.now,
        fault=fault,
        entries=facts.get("entries"),
        debug=facts.get("debug"),
    )
