"""The simulator: three vendors behind one clock, with direct access to all state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, Final

from simulator.clocks import wall_clock
from simulator.exchange import Call, Reply, json_reply
from simulator.faults import OKTA, RECORDED_FUTURE, SENTINELONE, Fault, FaultQueue
from simulator.instants import to_us
from simulator.okta.log import OktaLog
from simulator.okta.logs import OktaApi
from simulator.recorded_future.insights import PREFIX as INSIGHTS_PREFIX
from simulator.recorded_future.insights import CollectiveInsightsApi
from simulator.recorded_future.refusals import status_error as recorded_future_error
from simulator.recorded_future.store import DetectionStore, StoredDetection
from simulator.request_log import RequestEntry, RequestLog
from simulator.sentinelone.refusals import status_error as sentinelone_error
from simulator.sentinelone.threat_book import ThreatBook
from simulator.sentinelone.threats import SentinelOneApi
from simulator.settings import Limits, Tokens
from simulator.tampering import WITHOUT_HANDLING, replaced_reply, tampered

DEFAULT_SEED: Final = 7
DEFAULT_HISTORY: Final = timedelta(days=30)
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do with a request: answer after a delay, or drop the connection (no reply)."""

    reply: Reply | None
    delay_s: float = 0.0


def vendor_of(path: str) -> str | None:
    """Returns the vendor to whom a path belongs."""
    prefixes = (("/api/v1/", OKTA), ("/oauth2/", OKTA), ("/web/api/", SENTINELONE), (INSIGHTS_PREFIX, RECORDED_FUTURE))
    return next((vendor for prefix, vendor in prefixes if path.startswith(prefix)), None)


class Simulator:
    """Three APIs over one state. A given list replaces that vendor's scenario, `scenario=False` both.

    List elements are served verbatim: objects, anything else JSON knows, or bytes as raw JSON.
    """

    def __init__(
        self,
        *,
        clock: Clock = wall_clock,
        seed: int = DEFAULT_SEED,
        okta_events: Iterable[object] | None = None,
        sentinelone_threats: Iterable[object] | None = None,
        scenario: bool = True,
        tokens: Tokens | None = None,
        limits: Limits | None = None,
        state_directory: Path | None = None,
        history: timedelta = DEFAULT_HISTORY,
    ) -> None:
        self.url = ""
        self.tokens, self.limits = tokens or Tokens(), limits or Limits()
        self.lock = RLock()
        self._clock = clock
        self._history = history // timedelta(microseconds=1)
        self._okta_seed = seed if scenario and okta_events is None else None
        self._sentinelone_seed = seed if scenario and sentinelone_threats is None else None
        self._given_events = list(okta_events or ())
        self._given_threats = list(sentinelone_threats or ())
        self._store = DetectionStore(state_directory)
        self._requests, self._faults = RequestLog(), FaultQueue()
        self._start_vendors()

    def _start_vendors(self) -> None:
        self._log = OktaLog(self._okta_seed)
        self._book = ThreatBook(self._sentinelone_seed, self._history)
        for event in self._given_events:
            self._log.add(event)
        for threat in self._given_threats:
            self._book.add(threat)
        self._okta = OktaApi(self._log, self.tokens, self.limits, self._history)
        self._sentinelone = SentinelOneApi(self._book, self.tokens, self.limits)
        self._insights = CollectiveInsightsApi(self._store, self.tokens, self.limits)

    @property
    def now(self) -> int:
        """The clock in microseconds since 1970."""
        return to_us(self._clock())

    @property
    def detections(self) -> list[StoredDetection]:
        """What Recorded Future has stored, in order of arrival, duplicates included."""
        with self.lock:
            return list(self._store.detections)

    @property
    def requests(self) -> list[RequestEntry]:
        """The requests to the vendors' paths since the start or the last clearing."""
        with self.lock:
            return self._requests.entries

    @property
    def pending_faults(self) -> list[Fault]:
        """The programmed faults that are not used up."""
        with self.lock:
            return self._faults.pending

    def add_okta_event(self, event: object, persisted_at: datetime | None = None) -> None:
        """Adds an event; visible from its `published` on, or only from `persisted_at` on (a late event)."""
        with self.lock:
            self._log.add(event, None if persisted_at is None else to_us(persisted_at))

    def add_threat(self, threat: object) -> None:
        """Adds a threat; it is visible from its `createdAt` on."""
        with self.lock:
            self._book.add(threat)

    def set_verdict(self, threat_id: str, verdict: str, at: datetime | None = None) -> None:
        """Gives an added threat a verdict from `at` (or now) on, moves `updatedAt`; KeyError if unknown."""
        with self.lock:
            self._book.judge(threat_id, verdict, self.now if at is None else to_us(at))

    def add_fault(self, vendor: str, kind: str, **members: Any) -> None:
        """Programs a fault at the end of the vendor's queue; FaultError says what is wrong with it."""
        self.program(Fault(vendor, kind, **members))

    def program(self, fault: Fault) -> None:
        """Puts a fault at the end of its vendor's queue."""
        with self.lock:
            self._faults.add(fault)

    @property
    def okta_access_tokens(self) -> list[str]:
        """The access tokens that Okta has given to service apps."""
        with self.lock:
            return self._okta.token_endpoint.granted

    @property
    def okta_assertions(self) -> list[str]:
        """The assertions by which service apps have asked for access tokens."""
        with self.lock:
            return list(self._okta.token_endpoint.assertions)

    def revoke_okta_access(self) -> None:
        """Ends all access tokens of Okta's service apps before their time."""
        with self.lock:
            self._okta.token_endpoint.revoke_all()

    def clear_faults(self) -> None:
        """Forgets all programmed faults."""
        with self.lock:
            self._faults.clear()

    def clear_requests(self) -> None:
        """Forgets the requests so far."""
        with self.lock:
            self._requests.clear()

    def event_ids(self, vendor: str, since: datetime, until: datetime, event_type: str | None = None) -> list[str]:
        """Returns the ids of all that exists at the source in [since, until), visible or not."""
        with self.lock:
            first, last, now = to_us(since), to_us(until), self.now
            if vendor == OKTA:
                records = self._log.scan("published", max(first, now - self._history), min(last, now + 1))
                events = (record.event for record in records if isinstance(record.event, dict))
                return [str(e.get("uuid")) for e in events if event_type in (None, e.get("eventType"))]
            threats = self._book.existing(now, first, 0)
            return [t.threat_id for t in sorted(threats, key=lambda t: t.created) if first <= t.created < last]

    def reset(self) -> None:
        """Returns to a fresh start: no detections, requests, faults, added events or used-up rates."""
        with self.lock:
            self._store.clear()
            self._requests.clear()
            self._faults.clear()
            self._start_vendors()

    def close(self) -> None:
        """Closes the file of the stored detections."""
        with self.lock:
            self._store.close()

    def handle(self, call: Call) -> Outcome:
        """Returns what to do with one request, faults included, and records it."""
        vendor = vendor_of(call.path)
        if vendor is None:
            return Outcome(json_reply(404, {"message": f"no vendor has the path {call.path}"}))
        with self.lock:
            fault = self._faults.take(vendor, call)
            reply = self._answer(vendor, call) if fault is None else self._faulty(vendor, call, fault)
            self._requests.record(vendor, call, reply, None if fault is None else fault.kind)
        return Outcome(reply, fault.seconds if fault is not None else 0.0)

    def _answer(self, vendor: str, call: Call) -> Reply:
        if vendor == OKTA:
            return self._okta.answer(call)
        return (self._sentinelone if vendor == SENTINELONE else self._insights).answer(call)

    def _faulty(self, vendor: str, call: Call, fault: Fault) -> Reply | None:
        if fault.kind == "drop_connection":
            return None
        if fault.kind in WITHOUT_HANDLING:
            return replaced_reply(fault, self._usual(vendor, call, fault))
        if fault.kind == "empty_page":
            return self._okta.answer(call, is_empty=True)
        reply = self._answer(vendor, call)
        if fault.kind == "store_then_drop":
            return None
        if fault.kind == "store_then_status":
            return replaced_reply(fault, recorded_future_error(fault.status))
        return tampered(fault, reply, call)

    def _usual(self, vendor: str, call: Call, fault: Fault) -> Reply:
        if vendor == OKTA:
            return (
                self._okta.overloaded(call)
                if fault.kind == "concurrency_limit"
                else self._okta.error(call, fault.status)
            )
        return sentinelone_error(fault.status) if vendor == SENTINELONE else recorded_future_error(fault.status)
