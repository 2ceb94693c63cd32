"""Faults on demand: one queue for each vendor, consumed request by request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from simulator.exchange import JSON_TYPE, Reply

#: The kinds that every vendor has; the other kinds are in the vendors' folders.
COMMON_FAULTS: Final = ("status", "truncated_json", "html_200", "empty_body", "emptied_page", "slow", "drop_connection")


class FaultError(ValueError):
    """The vendor does not have this fault; the message lists the faults that it has."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: skips `skip` requests, then strikes `count` times. `path`: only requests below it.

    `seconds` delays the answer after the request was handled; `headers` replace headers of the same name.
    """

    vendor: str
    kind: str
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    count: int = 1
    skip: int = 0
    path: str = "/"


def dressed(fault: Fault, usual: Reply) -> Reply:
    """Return the vendor's usual answer with the body and the headers of the fault."""
    reply = usual
    if isinstance(fault.body, str | bytes):
        raw = fault.body.encode() if isinstance(fault.body, str) else fault.body
        reply = replace(usual, body=raw, content_type="text/plain; charset=utf-8")
    elif fault.body is not None:
        reply = replace(usual, body=orjson.dumps(fault.body), content_type=JSON_TYPE)
    changed = {name.lower() for name in fault.headers}
    kept = (pair for pair in reply.headers if pair[0].lower() not in changed)
    return replace(reply, headers=(*kept, *fault.headers.items()))


class FaultQueue:
    """The programmed faults, in the order in which they were programmed."""

    def __init__(self, kinds: Mapping[str, tuple[str, ...]]) -> None:
        self._kinds = kinds
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault at the end; raises FaultError if its vendor does not have it."""
        if fault.vendor not in self._kinds.get(fault.kind, ()):
            known = [kind for kind, vendors in self._kinds.items() if fault.vendor in vendors]
            raise FaultError(f"{fault.vendor} has no fault {fault.kind}; known are {', '.join(known) or 'none'}")
        self.pending.append(fault)

    def take(self, is_struck: Callable[[Fault], bool]) -> Fault | None:
        """Return the first fault in the queue that strikes a request, or None."""
        for index, fault in enumerate(self.pending):
            if not is_struck(fault):
                continue
            if fault.skip:
                self.pending[index] = replace(fault, skip=fault.skip - 1)
                return None
            if fault.count > 1:
                self.pending[index] = replace(fault, count=fault.count - 1)
            else:
                del self.pending[index]
            return fault
        return None
