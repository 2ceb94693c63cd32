"""The cells of the fault matrix: each fault, each stage that uses HTTP, and a run in which the fault hits the stage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from ci_operators.core.errors import FatalError, RetriableError
from ci_operators.core.tally import STAGES
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.transport.client import ATTEMPTS
from simulator import Simulator
from tests.faults.line import Line, check_delivery, check_staging, expected, stored
from tests.ledger.outage import end_session
from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.okta.specimens import threat_event
from tests.sources.sentinelone.specimens import SPECIMENS as SENTINELONE
from tests.sources.specimens import Specimens, run_steps
from tests.virtual_time import NOON, VirtualTime

DETECTIONS, SUBMISSIONS = "/collective-insights/detections", "recorded_future"
#: The tries of a task before a test gives up.
TRIES = 8
#: Seconds between two tries of a task if the vendor does not request a wait.
RETRY_DELAY_S = 300.0
#: Real seconds; the simulator answers after the client has closed.
PATIENCE_S, SLOWNESS_S = 0.15, 0.4
#: More than a page of both sources, so that a fault can hit a second page.
EVENTS = 1005
KEPT = 7
When = Literal["before", "after"]
#: Concurrent requests, so that another request is in flight beside the second one, which the fault hits.
IN_FLIGHT = 4


@dataclass(frozen=True)
class Fault:
    """A row: an error of a vendor.

    before, after: the simulator's fault kind before and after the server has stored, None if there is none.
    only: the vendors that can have it; status, headers, body: their answer.
    """

    name: str
    before: str | None
    after: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ("okta", "sentinelone", "recorded_future")


def _status(status: int, name: str = "", **members: Any) -> Fault:
    after = "store_then_status" if status >= 500 or status < 300 else None
    return Fault(name or str(status), "status", after, {"status": status, **members})


FAULTS = (
    *(_status(status) for status in (201, 202, 204)),
    *(_status(status) for status in (400, 401, 403, 404, 413)),
    _status(302, "302 to another host", headers={"Location": "https://elsewhere.example/"}),
    _status(429, "429, short", headers={"Retry-After": "2"}),
    _status(429, "429, an hour", headers={"Retry-After": "3600", "X-Rate-Limit-Reset": "1773147600"}),
    replace(_status(429, "429, the day", body={"message": "The daily limit is reached"}), only=(SUBMISSIONS,)),
    *(_status(status) for status in (500, 502, 503, 504)),
    Fault("connection dropped", "drop_connection", "store_then_drop"),
    Fault("no answer in time", "slow", "slow", {"seconds": SLOWNESS_S}),
    Fault("half an answer", "truncated_json", "truncated_json"),
    Fault("HTML page", "html_200"),
    Fault("empty answer", "empty_body", "empty_body"),
    Fault("wrong counts", "wrong_counts", "wrong_counts", only=(SUBMISSIONS,)),
    Fault("same cursor twice", "repeated_cursor", only=("okta", "sentinelone")),
    Fault("next link elsewhere", "foreign_next_link", only=("okta",)),
    Fault("concurrency limit", "concurrency_limit", only=("okta",)),
    Fault("empty page", "empty_page", members={"count": 2}, only=("okta",)),
    Fault("200 with errors", "partial_errors", only=("sentinelone",)),
)
#: Kinds whose request the server handles, so that they cannot happen before it has stored.
_HANDLED = ("slow", "truncated_json", "empty_body", "wrong_counts")


@dataclass(frozen=True)
class Column:
    """A stage that uses HTTP: when the fault happens, what is done about unknown outcomes, whether the run's
    ledger session ends with the failed request, and how many other requests can be in flight at the same time."""

    name: str
    stage: str
    vendor: str
    specimens: Specimens = OKTA
    when: When = "before"
    unknown: Literal["search", "resend", "hold"] = "search"
    path: str = "/"
    loses_session: bool = False
    parallel_requests: int = 1

    def kind(self, fault: Fault) -> str | None:
        """Return the simulator's kind of a fault in this column, None if it is impossible."""
        kind = fault.before if self.when == "before" else fault.after
        if self.vendor not in fault.only:
            return None
        stores = self.stage == "submit" and self.path == DETECTIONS
        if stores and self.when == "before" and kind in _HANDLED:
            return None
        return None if self.path.endswith("search") and kind == "wrong_counts" else kind


def _submit(name: str, when: When, unknown: Literal["search", "resend", "hold"]) -> Column:
    return Column(name, "submit", SUBMISSIONS, when=when, unknown=unknown, path=DETECTIONS)


COLUMNS = (
    Column("extract okta", "extract", "okta"),
    Column("extract sentinelone", "extract", "sentinelone", SENTINELONE),
    Column("validate (debug)", "validate", SUBMISSIONS),
    _submit("submit, not stored, search", "before", "search"),
    _submit("submit, not stored, resend", "before", "resend"),
    _submit("submit, not stored, hold", "before", "hold"),
    _submit("submit, stored, search", "after", "search"),
    _submit("submit, stored, resend", "after", "resend"),
    _submit("submit, stored, hold", "after", "hold"),
    replace(_submit("submit, not stored, session lost", "before", "resend"), loses_session=True),
    replace(_submit("submit, stored, session lost", "after", "search"), loses_session=True),
    replace(_submit("submit, in flight, not stored", "before", "resend"), parallel_requests=IN_FLIGHT),
    replace(_submit("submit, in flight, stored", "after", "search"), parallel_requests=IN_FLIGHT),
    replace(
        _submit("submit, in flight, session lost", "after", "search"), parallel_requests=IN_FLIGHT, loses_session=True
    ),
    Column("submit, look-up", "submit", SUBMISSIONS, path="/collective-insights/search"),
)
CELLS = [(fault, column) for fault in FAULTS for column in COLUMNS if column.kind(fault)]


@dataclass
class SessionThief:
    """Ends the session of a delivery once, after the answer to its second request."""

    requests: int = 0

    def watch(self, deliveries: Deliveries) -> Any:
        """Return the deliveries, watched."""
        return _Robbed(deliveries, self)


@dataclass
class _Robbed:
    deliveries: Deliveries
    thief: SessionThief

    def __getattr__(self, name: str) -> Any:
        connection = self.deliveries.connection
        if self.thief.requests == 2 and not connection.invalidated:
            self.thief.requests += 1
            end_session(connection.engine.url, connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
        self.thief.requests += name == "reserve"
        return getattr(self.deliveries, name)


@dataclass
class Cell:
    """A run in which one fault hits one stage."""

    fault: Fault
    column: Column
    simulator: Simulator
    line: Line
    time: VirtualTime
    tries: int = 0
    is_stopped: bool = False

    def run(self) -> str:
        """Return the outcome in words; AssertionError if delivery is not exact."""
        for stage in STAGES[: STAGES.index("validate") + 1] if self.line.debug else STAGES:
            if stage == self.column.stage:
                self._program()
                self._run_struck(stage)
            else:
                self.line.run_stage(stage)
        assert not [fault for fault in self.simulator.pending_faults if fault.kind != "slow"]
        words = self._judge()
        if self.is_stopped:
            return f"stops, then {words}"
        return f"{words}, {self.tries} tries" if self.tries > 1 else words

    def _program(self) -> None:
        kind, members = self.column.kind(self.fault), {"count": self._count, **self.fault.members}
        assert kind is not None
        if self.column.path.endswith("search"):
            self.simulator.add_fault(SUBMISSIONS, "store_then_drop", path=DETECTIONS, skip=1)
        self.simulator.add_fault(self.column.vendor, kind, path=self.column.path, skip=self._skip, **members)
        if self.column.loses_session:
            self.line.watch = SessionThief().watch

    @property
    def _skip(self) -> int:
        """Let one page, or one batch, pass, except for faults of the next link, which only the first page has."""
        is_first = self.fault.before == "foreign_next_link" or self.column.path.endswith("search")
        is_skipped_anyway = self.fault.before == "repeated_cursor" and self.column.vendor == "sentinelone"
        return 0 if is_first or is_skipped_anyway else 1

    @property
    def _count(self) -> int:
        """Repeat the fault until the task needs a retry; an unknown outcome is not repeated in place."""
        is_repeated = self.fault.members.get("status", 503) >= 429 and self.fault.before in (
            "status",
            "drop_connection",
        )
        is_sent_once = self.column.path == DETECTIONS and self.fault.members.get("status") != 429
        if not is_repeated or is_sent_once or "the day" in self.fault.name:
            return 1
        is_given_up = self.column.path.endswith("search") and self.fault.members.get("status") != 429
        return ATTEMPTS if is_given_up else ATTEMPTS + 1

    def _run_struck(self, stage: str) -> None:
        for attempt in range(1, TRIES + 1):
            self.tries = attempt
            try:
                self.line.run_stage(stage)
            except RetriableError as err:
                check_staging(self.line.directory)
                self.time.sleep(err.retry_after_s or RETRY_DELAY_S)
            except FatalError:
                check_staging(self.line.directory)
                self.is_stopped = True
                self.simulator.clear_faults()
            else:
                return
        raise AssertionError(f"{stage} did not come to its end in {TRIES} tries")

    def _judge(self) -> str:
        wanted = expected(wanted_texts(self.column.specimens, self.line))
        found = stored(self.simulator.detections)
        if self.line.debug:
            assert not found, "a dry run has stored something"
            assert self.line.results["validate"].tally.records_out == len(wanted)
            return "exact"
        self._deliver_waiting()
        words = check_delivery(self.line, stored(self.simulator.detections), wanted)
        if self.column.unknown == "search" and self.column.path == DETECTIONS and self.column.when == "after":
            assert words == "exact", f"the search finds all, and yet: {words}"
        return words

    def _deliver_waiting(self) -> None:
        """Let the next day's run deliver the detections that waited for budget."""
        if self.line.results["submit"].extra["waiting"]:
            self.time.sleep(86_400)
            self.tries += 1
            self.line.run_stage("submit")


def wanted_texts(specimens: Specimens, line: Line) -> list[bytes]:
    """Return the expected detections of the window's events."""
    events = window_events(specimens)
    outcomes = [run_steps(specimens.source, line.connector, specimen_text(event)) for event in events]
    return [detection for outcome in outcomes for detection in outcome.detections]


def specimen_text(event: Any) -> bytes:
    """Return an event as it is in a page."""
    return json.dumps(event).encode()


def window_events(specimens: Specimens) -> list[Any]:
    """Return more than a page of events, of which a few are kept, one quarantined, and the rest dropped."""
    start = NOON - timedelta(minutes=50)
    events = [specimens.make_event(start + timedelta(seconds=number), number) for number in range(EVENTS)]
    return [event if number < KEPT else _spoil(specimens, event, number) for number, event in enumerate(events)]


def _spoil(specimens: Specimens, event: dict[str, Any], number: int) -> dict[str, Any]:
    if specimens is OKTA:
        name = None if number > KEPT else "no address at all"
        return {**event, "actor": threat_event()["actor"] | {"displayName": name}}
    return {**event, "threatInfo": {**event["threatInfo"], "sha1": "" if number > KEPT else "no hash"}}
