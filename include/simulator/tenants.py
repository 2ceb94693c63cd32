"""The simulator: all vendors with one clock, and direct access to their state."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, Final, TypeVar

from simulator.exchange import Call, Reply, json_reply
from simulator.faults import Fault, FaultQueue
from simulator.instants import to_us, wall_clock
from simulator.request_log import RequestEntry, make_entry
from simulator.settings import Limits, Tokens
from simulator.vendor import Setup, Tenant
from simulator.vendors import KINDS, VENDORS, find_vendor

DEFAULT_SEED: Final = 7
DEFAULT_HISTORY: Final = timedelta(days=30)
_KEPT_REQUESTS: Final = 50_000
Clock = Callable[[], datetime]
AnyTenant = TypeVar("AnyTenant", bound=Tenant)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do with a request: answer after a delay, or drop the connection (no reply)."""

    reply: Reply | None
    delay_s: float = 0.0


class Tenants:
    """A tenant of every registered vendor. Given events replace that vendor's scenario; `scenario=False` turns all off.

    Events are served unchanged: objects, any other JSON value, or bytes as raw JSON.
    """

    def __init__(
        self,
        *,
        clock: Clock = wall_clock,
        seed: int = DEFAULT_SEED,
        events: Mapping[str, Iterable[object]] | None = None,
        scenario: bool = True,
        tokens: Tokens | None = None,
        limits: Limits | None = None,
        state_directory: Path | None = None,
        history: timedelta = DEFAULT_HISTORY,
    ) -> None:
        self.url = ""
        self.lock = RLock()
        self._clock = clock
        self._requests: deque[RequestEntry] = deque(maxlen=_KEPT_REQUESTS)
        self._faults = FaultQueue(KINDS)
        given = events or {}
        self._setups = {
            name: Setup(
                tokens=tokens or Tokens(),
                limits=limits or Limits(),
                seed=seed if scenario and name not in given else None,
                history=history // timedelta(microseconds=1),
                events=tuple(given.get(name, ())),
                state_directory=state_directory,
            )
            for name in VENDORS
        }
        self._tenants: dict[str, Tenant] = {}
        self.reset()

    def reset(self) -> None:
        """Start over: without requests, faults, added events, used-up rates, and detections that are not in a file."""
        with self.lock:
            self.close()
            self._requests.clear()
            self._faults.pending.clear()
            self._tenants = {name: tenant(self._setups[name]) for name, tenant in VENDORS.items()}

    @property
    def now(self) -> int:
        """Return the time in microseconds since 1970."""
        return to_us(self._clock())

    @property
    def requests(self) -> list[RequestEntry]:
        """Return the requests to the vendors' paths since the start or the last clearing."""
        with self.lock:
            return list(self._requests)

    @property
    def pending_faults(self) -> list[Fault]:
        """Return the programmed faults that are not used up."""
        with self.lock:
            return list(self._faults.pending)

    def find(self, kind: type[AnyTenant]) -> AnyTenant:
        """Return the tenant of a vendor."""
        tenant = self._tenants[kind.name]
        assert isinstance(tenant, kind)  # noqa: S101 - the registry's promise
        return tenant

    def add_event(self, vendor: str, event: object, visible_from: datetime | None = None) -> None:
        """Add an event, visible from its own time on, or only from `visible_from` on (a late event)."""
        with self.lock:
            self._tenants[vendor].add(event, None if visible_from is None else to_us(visible_from))

    def event_ids(self, vendor: str, since: datetime, until: datetime, event_type: str | None = None) -> list[str]:
        """Return the ids of everything that exists at the source in [since, until), visible or not."""
        with self.lock:
            return self._tenants[vendor].event_ids(to_us(since), to_us(until), self.now, event_type)

    def add_fault(self, vendor: str, kind: str, **members: Any) -> None:
        """Program a fault at the end of the queue; raises FaultError if the vendor does not have it."""
        self.program(Fault(vendor, kind, **members))

    def program(self, fault: Fault) -> None:
        """Add a fault at the end of the queue."""
        with self.lock:
            self._faults.add(fault)

    def clear_faults(self) -> None:
        """Forget all programmed faults."""
        with self.lock:
            self._faults.pending.clear()

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        with self.lock:
            self._requests.clear()

    def close(self) -> None:
        """Close the files of all tenants."""
        with self.lock:
            for tenant in self._tenants.values():
                tenant.close()

    def handle(self, call: Call) -> Outcome:
        """Return what to do with one request, including faults, and record the request."""
        vendor = find_vendor(call.path)
        if vendor is None:
            return Outcome(json_reply(404, {"message": f"no vendor has the path {call.path}"}))
        with self.lock:
            tenant = self._tenants[vendor]
            fault = self._faults.take(lambda fault: fault.vendor == vendor and tenant.is_struck(fault, call))
            reply = tenant.answer(call) if fault is None else tenant.strike(fault, call)
            self._requests.append(make_entry(vendor, call, reply, fault.kind if fault else None))
        return Outcome(reply, fault.seconds if fault else 0.0)
