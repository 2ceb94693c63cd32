"""Faults on demand: a queue per vendor, consumed request by request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from simulator.exchange import Call

OKTA: Final = "okta"
SENTINELONE: Final = "sentinelone"
RECORDED_FUTURE: Final = "recorded_future"
VENDORS: Final = (OKTA, SENTINELONE, RECORDED_FUTURE)

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": VENDORS,
    "truncated_json": VENDORS,
    "html_200": VENDORS,
    "empty_body": VENDORS,
    "slow": VENDORS,
    "drop_connection": VENDORS,
    "repeated_cursor": (OKTA, SENTINELONE),
    "foreign_next_link": (OKTA,),
    "concurrency_limit": (OKTA,),
    "empty_page": (OKTA,),
    "partial_errors": (SENTINELONE,),
    "store_then_status": (RECORDED_FUTURE,),
    "store_then_drop": (RECORDED_FUTURE,),
    "wrong_counts": (RECORDED_FUTURE,),
}


class FaultError(ValueError):
    """A fault that cannot be programmed; the message names the member and what is allowed."""


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

    def __post_init__(self) -> None:
        _require(self.vendor in VENDORS, f"vendor must be one of {', '.join(VENDORS)}")
        _require(self.kind in KINDS, f"kind must be one of {', '.join(KINDS)}")
        _require(self.vendor in KINDS.get(self.kind, ()), f"{self.kind} does not exist for {self.vendor}")
        _require(_is_whole(self.status) and 200 <= self.status <= 599, "status must be a number from 200 to 599")
        _require(_is_whole(self.count) and self.count >= 1, "count must be a whole number, at least 1")
        _require(_is_whole(self.skip) and self.skip >= 0, "skip must be a whole number, at least 0")
        _require(isinstance(self.seconds, int | float) and 0 <= self.seconds <= 600, "seconds must be 0 to 600")
        _require(isinstance(self.path, str) and self.path.startswith("/"), "path must start with /")
        is_text_map = isinstance(self.headers, Mapping) and all(isinstance(v, str) for v in self.headers.values())
        _require(is_text_map, "headers must be an object of strings")

    def is_for(self, call: Call) -> bool:
        """Returns whether the fault is meant for this request (a cursor is repeated only if there is one)."""
        if self.vendor == SENTINELONE and self.kind == "repeated_cursor":
            return any(name == "cursor" and text for name, text in call.pairs)
        return call.path.startswith(self.path)


def parse_fault(members: Any) -> Fault:
    """Returns the fault of a JSON object; raises FaultError on a member that does not exist or fit."""
    if not isinstance(members, dict):
        raise FaultError("a fault must be an object")
    known = {item.name for item in fields(Fault)}
    unknown = sorted(set(members) - known)
    _require(not unknown, f"unknown member {unknown[0] if unknown else ''}; known are {', '.join(sorted(known))}")
    _require({"vendor", "kind"} <= set(members), "vendor and kind are required")
    return Fault(**members)


class FaultQueue:
    """The programmed faults, per vendor in the order in which they were programmed."""

    def __init__(self) -> None:
        self._queues: dict[str, list[Fault]] = {vendor: [] for vendor in VENDORS}

    @property
    def pending(self) -> list[Fault]:
        """The faults that have not struck as often as programmed."""
        return [fault for queue in self._queues.values() for fault in queue]

    def add(self, fault: Fault) -> None:
        """Puts a fault at the end of its vendor's queue."""
        self._queues[fault.vendor].append(fault)

    def clear(self) -> None:
        """Forgets all faults."""
        for queue in self._queues.values():
            queue.clear()

    def take(self, vendor: str, call: Call) -> Fault | None:
        """Returns the fault that strikes this request; the first in the queue that is meant for it counts."""
        queue = self._queues[vendor]
        for index, fault in enumerate(queue):
            if not fault.is_for(call):
                continue
            if fault.skip:
                queue[index] = replace(fault, skip=fault.skip - 1)
                return None
            if fault.count > 1:
                queue[index] = replace(fault, count=fault.count - 1)
            else:
                del queue[index]
            return fault
        return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise FaultError(message)
