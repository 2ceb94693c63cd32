"""Faults on demand: a queue per vendor, consumed request by request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from simulator.exchange import JSON_TYPE, Reply

#: The kinds that every vendor has; the others belong to the vendors' folders.
COMMON_FAULTS: Final = ("status", "truncated_json", "html_200", "empty_body", "slow", "drop_connection")


class FaultError(ValueError):
    """A fault that does not exist for its vendor; the message names what is allowed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: lets `skip` requests pass, then strikes `count` times; `path`: only requests below it.

    `seconds` delays the answer after the request was handled; `headers` replace those of the same name.
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
    """Return the vendor's usual answer with the body and the headers that the fault brings."""
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
    """The programmed faults in the order in which they were programmed."""

    def __init__(self, kinds: Mapping[str, tuple[str, ...]]) -> None:
        self._kinds = kinds
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault at the end; raises FaultError if its vendor has no such fault."""
        if fault.vendor not in self._kinds.get(fault.kind, ()):
            known = [kind for kind, vendors in self._kinds.items() if fault.vendor in vendors]
            raise FaultError(f"{fault.vendor} has no fault {fault.kind}; known are {', '.join(known) or 'none'}")
        self.pending.append(fault)

    def take(self, is_struck: Callable[[Fault], bool]) -> Fault | None:
        """Return the fault that strikes a request; the first in the queue that is meant for it counts."""
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
