"""What every simulated vendor is: a tenant with a name, paths, events or detections, and faults of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

from simulator.exchange import Call, Reply
from simulator.faults import COMMON_FAULTS, Fault, dressed
from simulator.settings import Limits, Tokens

_PAGE: Final = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a tenant starts with. `seed` None: no scenario. `history`: its reach in microseconds."""

    tokens: Tokens
    limits: Limits
    seed: int | None
    history: int
    events: Sequence[object] = ()
    state_directory: Path | None = None


class Tenant(ABC):
    """One vendor's tenant. Subclasses are registered in `simulator.vendors`, each made from a Setup."""

    name: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]
    own_faults: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """Return the answer to a request, strict as the vendor's contract."""

    @abstractmethod
    def error(self, call: Call, status: int) -> Reply:
        """Return the answer that the vendor usually gives with a status."""

    def add(self, event: object, visible_from: int | None = None) -> None:
        """Add an event, visible from its own time on or from a given instant on."""
        raise TypeError(f"{self.name} has no events")

    def event_ids(self, first: int, last: int, now: int, event_type: str | None) -> list[str]:
        """Return the ids of the events in [first, last) that exist at `now`, visible or not."""
        raise TypeError(f"{self.name} has no events")

    def is_struck(self, fault: Fault, call: Call) -> bool:
        """Return whether a fault is meant for a request."""
        return call.path.startswith(fault.path)

    def strike(self, fault: Fault, call: Call) -> Reply | None:
        """Return the answer under a fault, None: the connection is dropped."""
        if fault.kind not in COMMON_FAULTS:
            return self.strike_own(fault, call)
        if fault.kind == "drop_connection":
            return None
        if fault.kind == "html_200":
            return Reply(200, _PAGE, content_type="text/html; charset=utf-8")
        if fault.kind == "status":
            return dressed(fault, self.error(call, fault.status))
        reply = self.answer(call)
        if fault.kind == "truncated_json":
            return replace(reply, body=reply.body[: max(1, len(reply.body) // 2)])
        return replace(reply, body=b"") if fault.kind == "empty_body" else reply

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        """Return the answer under one of the vendor's own faults. Raises ValueError: this vendor has none."""
        raise ValueError(f"{type(self).__name__} has no fault {fault.kind!r}.")

    def close(self) -> None:  # noqa: B027 - most tenants hold nothing open
        """Close what the tenant holds open."""
