"""The base of every simulated vendor: a tenant with a name, paths, events or detections, and its own faults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import orjson

from simulator.exchange import Call, Reply
from simulator.faults import COMMON_FAULTS, Fault, dressed
from simulator.settings import Limits, Tokens

_PAGE: Final = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a tenant starts with. seed: None for no scenario. history: its length in microseconds."""

    tokens: Tokens
    limits: Limits
    seed: int | None
    history: int
    events: Sequence[object] = ()
    state_directory: Path | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a Connection to a tenant has besides its URL. extra: other fields of the form, by name."""

    password: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


class Tenant(ABC):
    """One vendor's tenant. Subclasses are registered in `simulator.vendors`; each is made from a Setup.

    sign_in: credentials with all rights, for the demo and the tests. usage: the requests, for people.
    demo_options: options of the demo's connector, in addition to those of all connectors.
    """

    name: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]
    sign_in: ClassVar[SignIn]
    usage: ClassVar[str]
    demo_options: ClassVar[Mapping[str, object]] = {}
    own_faults: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """Return the answer to a request, as strict as the vendor's contract."""

    @abstractmethod
    def error(self, call: Call, status: int) -> Reply:
        """Return the answer that the vendor usually gives with a status."""

    def add(self, event: object, visible_from: int | None = None) -> None:
        """Add an event, visible from its own time on or from a given instant on."""
        raise TypeError(f"{self.name} has no events")

    def event_ids(self, first: int, last: int, now: int, event_type: str | None) -> list[str]:
        """Return the ids of the events in [first, last) that exist at `now`, visible or not. event_type: only these."""
        raise TypeError(f"{self.name} has no events")

    def is_struck(self, fault: Fault, call: Call) -> bool:
        """Return whether a fault applies to a request."""
        return call.path.startswith(fault.path)

    def strike(self, fault: Fault, call: Call) -> Reply | None:
        """Return the answer under a fault, None if the connection is dropped."""
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
        if fault.kind == "emptied_page" and reply.status == 200:
            return replace(reply, body=orjson.dumps(_empty_lists(orjson.loads(reply.body))))
        return replace(reply, body=b"") if fault.kind == "empty_body" else reply

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        """Return the answer under one of the vendor's own faults. Raises ValueError if it has none."""
        raise ValueError(f"{type(self).__name__} has no fault {fault.kind!r}.")

    def close(self) -> None:  # noqa: B027 - most tenants hold nothing open
        """Close what the tenant has open."""


def _empty_lists(value: Any) -> Any:
    """Return an answer's body with nothing in its lists."""
    if isinstance(value, list):
        return []
    return {name: _empty_lists(member) for name, member in value.items()} if isinstance(value, dict) else value
