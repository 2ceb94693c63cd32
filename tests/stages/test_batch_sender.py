"""Several submissions in flight: reserved before they are sent, settled together, and exact for every outcome."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, ClassVar

import pytest
import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import text

from ci_operators.core.errors import (
    AccountingError,
    CredentialsError,
    LedgerError,
    RateLimitedError,
    RetriableError,
    StagingError,
    UnknownOutcomeError,
)
from ci_operators.ledger.batch import Batch
from ci_operators.ledger.breaker import MOST_UNKNOWN
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import submit_named
from ci_operators.stages import delivery
from ci_operators.transport.client import ATTEMPTS
from simulator import Limits, Simulator, serve
from tests.artifacts import read_quarantined
from tests.faults.line import UNLIMITED, expected, stored
from tests.faults.scripted_flight import ScriptedFlight, last
from tests.ledger.outage import throw_out
from tests.ledger.samples import NO_ADDRESS, detection, detections, rows
from tests.noting_session import NotingSession
from tests.stages.desk import Desk, ids
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

AT_ONCE = 4
#: The index of the first request with the maximum number in flight: request 0 is sent alone, and each accepted
#: request makes room for one more.
WIDE = 6
NUMBERS = range(16)


@dataclass
class Departures:
    """The requests in flight when a request is sent."""

    desk: Desk
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    beside: list[int] = field(default_factory=list)
    reserved: list[int] = field(default_factory=list)

    def note(self, batch: Batch, beside: int) -> None:
        """Compare a request with the ledger, then run the test's action."""
        self.beside.append(beside)
        with self.desk.engine.connect() as connection:
            reserved = set(connection.scalars(text("SELECT id FROM batch WHERE state = 1")))
        assert batch.number in reserved, "a request leaves that is not reserved"
        self.reserved.append(len(reserved))
        self.meanwhile.get(len(self.beside), lambda: None)()


@pytest.fixture
def departures(desk: Desk) -> Departures:
    """Several requests in flight from a desk, one detection in each, answered in the order of sending."""
    desk.batch_size, desk.parallel_requests = 1, AT_ONCE
    found = Departures(desk)
    desk.fly = partial(ScriptedFlight, leave=found.note)
    return found


class TestInFlight:
    """Without errors."""

    @pytest.mark.parametrize("batch_size", [1, 3])
    def test_all_arrive_once(self, batch_size: int, desk: Desk) -> None:
        """With real threads, and over more than one group of batches."""
        desk.batch_size, desk.parallel_requests = batch_size, AT_ONCE
        count = batch_size * delivery.BATCHES_PER_GROUP + 7
        result = desk.deliver(detections(range(count)))
        assert stored(desk.vendors.detections) == expected(detections(range(count)))
        assert desk.states(detections(range(count))) == [State.ACCEPTED] * count
        assert (result.extra["accepted"], result.extra["batches"]) == (count, len(desk.posts))
        assert result.tally.records_out == count

    def test_no_more_are_reserved_than_can_be_in_flight(self, departures: Departures, desk: Desk) -> None:
        """So no more are unknown after a kill. The first is sent alone, and each accepted one makes room."""
        desk.deliver(detections(NUMBERS))
        assert departures.beside[:3] == [1, 2, 2]
        assert max(departures.beside) == max(departures.reserved) == AT_ONCE

    def test_those_that_leave_together_are_reserved_together(self, desk: Desk) -> None:
        """They share the transaction that settles earlier answers."""
        times = "SELECT count(*), count(DISTINCT reserved_at) FROM batch"
        settled = "SELECT count(*) FROM batch b WHERE EXISTS (SELECT FROM batch o WHERE o.reserved_at = b.settled_at)"
        desk.batch_size, desk.parallel_requests = 1, AT_ONCE
        desk.fly = partial(ScriptedFlight, choose=last)
        desk.deliver(detections(range(11)))  # 1, 2, 4, 4
        with desk.engine.connect() as connection:
            assert tuple(connection.execute(text(times)).one()) == (11, 4)
            assert connection.scalar(text(settled)) == 7

    def test_one_that_comes_twice_is_sent_once_while_the_first_is_in_flight(
        self, departures: Departures, desk: Desk
    ) -> None:
        """In the next group of batches, which is looked up before the answer comes."""
        numbers = [*range(delivery.BATCHES_PER_GROUP), delivery.BATCHES_PER_GROUP - 1, 50]
        result = desk.deliver(detections(numbers))
        assert result.tally.dropped == {"duplicate": 1}
        assert Counter(desk.ids) == Counter(set(ids(numbers)))
        assert result.extra["resent_unknown"] == 0

    def test_an_api_that_is_down_costs_one_request(self, departures: Departures, desk: Desk) -> None:
        desk.fault("store_then_drop", count=100)
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(NUMBERS))
        assert departures.beside == [1]

    def test_pending_detections_are_sent_several_at_a_time(self, departures: Departures, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver(detections(NUMBERS))
        desk.allowed_for_waiting = UNLIMITED
        assert desk.deliver([]).extra["from_waiting"] == len(NUMBERS)
        assert max(departures.beside) == AT_ONCE
        with desk.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM waiting")) == 0


class TestOneOfSeveral:
    """One fails while others are in flight."""

    FAULTS: ClassVar[tuple[tuple[str, dict[str, Any], type[Exception], State], ...]] = (
        ("store_then_drop", {}, UnknownOutcomeError, State.UNKNOWN),
        ("drop_connection", {}, UnknownOutcomeError, State.UNKNOWN),
        ("truncated_json", {}, UnknownOutcomeError, State.UNKNOWN),
        ("wrong_counts", {}, AccountingError, State.UNKNOWN),
        ("status", {"status": 401}, CredentialsError, State.PLANNED),
        ("status", {"status": 429, "headers": {"Retry-After": "3600"}}, RateLimitedError, State.PLANNED),
    )

    @pytest.mark.parametrize(("kind", "members", "error", "state"), FAULTS)
    @pytest.mark.parametrize("place", range(AT_ONCE))
    def test_the_others_are_settled_before_the_error_is_raised(
        self,
        place: int,
        kind: str,
        members: dict[str, Any],
        error: type[Exception],
        state: State,
        departures: Departures,
        desk: Desk,
    ) -> None:
        desk.fault(kind, skip=WIDE + place, **members)
        with pytest.raises(error):
            desk.deliver(detections(NUMBERS), run_id="run")
        states = Counter(desk.states(detections(NUMBERS)))
        left = len(NUMBERS) - len(departures.beside)
        assert states[State.RESERVED] == 0
        assert states[State.ACCEPTED] == len(departures.beside) - 1
        assert states[state] == (1 if state is State.UNKNOWN else 1 + left)
        posts = len(desk.posts)
        assert posts == WIDE + place + AT_ONCE, "nothing leaves after it, but what had left before is awaited"
        desk.time.sleep(3600)
        result = desk.deliver(detections(NUMBERS), run_id="run")
        assert stored(desk.vendors.detections) - expected(detections(NUMBERS)) == Counter()
        assert result.tally.records_out + result.tally.quarantined.total() == len(NUMBERS)

    def test_several_unknown_ones_are_all_marked_and_counted(self, departures: Departures, desk: Desk) -> None:
        """A connector whose API fails with the maximum number in flight stops at once."""
        desk.fault("store_then_status", status=504, skip=WIDE, count=100)
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(30)))
        assert Counter(desk.states(detections(range(30))))[State.UNKNOWN] == AT_ONCE >= MOST_UNKNOWN
        with pytest.raises(RetriableError, match=f"its last {AT_ONCE} submissions"):
            desk.deliver(detections(range(30)))

    def test_a_bad_one_is_quarantined_and_the_rest_goes_on(self, departures: Departures, desk: Desk) -> None:
        texts = [detection(number, value=NO_ADDRESS if number == WIDE + 1 else None) for number in NUMBERS]
        result = desk.deliver(texts)
        assert Counter(desk.ids) == Counter(ids(number for number in NUMBERS if number != WIDE + 1))
        assert [entry["event_id"] for entry in read_quarantined(result)] == ids([WIDE + 1])
        assert max(departures.beside) == AT_ONCE

    def test_only_the_first_too_large_request_is_sent(
        self, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        limits = Limits(recorded_future_per_day=None, recorded_future_max_body=5 * len(detection(100)))
        with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as strict:
            desk.vendors, desk.client = strict, LIVE.connect(strict.url, session, virtual_time)
            desk.batch_size, desk.parallel_requests = 8, AT_ONCE
            desk.deliver(detections(range(100, 140)))
            assert Counter(desk.posts) == {(413, None): 1, (200, 4): 10}
            assert Counter(desk.ids) == Counter(ids(range(100, 140)))


class TestSeveralGoWrong:
    """The run fails, and then something else does. The last of the requests in flight is answered first."""

    @pytest.fixture(autouse=True)
    def _together(self, departures: Departures, desk: Desk) -> None:
        """All requests in flight are answered before the first answer is handled."""
        desk.fly = partial(ScriptedFlight, choose=last, leave=departures.note)  # 1, 2, 4 at once

    def test_an_earlier_success_does_not_end_the_streak(self, desk: Desk) -> None:
        desk.fault("store_then_status", status=504, skip=3, count=MOST_UNKNOWN)
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(30)))
        assert Counter(desk.states(detections(range(30))))[State.UNKNOWN] == MOST_UNKNOWN == AT_ONCE - 1
        with pytest.raises(RetriableError, match=f"its last {MOST_UNKNOWN} submissions"):
            desk.deliver(detections(range(30)))

    def test_accepted_requests_stay_known_after_a_signal(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.fault("status", status=401, skip=4)
        waits = ScriptedFlight._wait

        def interrupt(flight: ScriptedFlight) -> Any:
            if any(future.done() for future in flight._started):
                raise KeyboardInterrupt
            return waits(flight)

        monkeypatch.setattr(ScriptedFlight, "_wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            desk.deliver(detections(NUMBERS))
        states = desk.states(detections(NUMBERS))
        assert states[:5] == [State.ACCEPTED] * 5
        assert states[5] is not State.ACCEPTED
        assert State.RESERVED in states

    def test_a_bug_makes_only_its_own_request_unknown(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = count()

        def fail(*arguments: Any) -> Any:
            if next(calls) == 4:
                raise ZeroDivisionError("token-1234")
            return submit_named(*arguments)

        monkeypatch.setattr("ci_operators.stages.flight.submit_named", fail)
        with pytest.raises(ZeroDivisionError):
            desk.deliver(detections(NUMBERS))
        states = [State.ACCEPTED] * 5 + [State.UNKNOWN, State.ACCEPTED]
        assert desk.states(detections(NUMBERS))[: len(states)] == states
        with desk.engine.connect() as connection:
            assert connection.scalars(text("SELECT note FROM batch WHERE note <> ''")).all() == ["ZeroDivisionError"]

    def test_accepted_requests_stay_known_with_a_full_disk(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """The API dropped one of the batch, and the quarantine cannot be written."""
        desk.batch_size = 2
        dropped = {rows([0])[0].key.hex(): "No"}
        monkeypatch.setattr(
            "ci_operators.stages.flight.submit_named",
            lambda *arguments: replace(submit_named(*arguments), dropped=dropped),
        )

        def fail(*_: Any) -> None:
            raise StagingError("The disk is full.")

        monkeypatch.setattr("ci_operators.stages.pump.SideArtifacts.add_quarantined", fail)
        with pytest.raises(StagingError):
            desk.deliver(detections(range(2)))
        assert desk.states(detections(range(2))) == [State.REJECTED, State.ACCEPTED]


class TestTooMany:
    """The API answers 429 because of too many concurrent requests."""

    def test_fewer_are_in_flight_for_the_rest_of_the_run(self, departures: Departures, desk: Desk) -> None:
        desk.fault("status", status=429, headers={"Retry-After": "2"}, skip=WIDE)
        result = desk.deliver(detections(range(30)))
        assert Counter(desk.ids) == Counter(ids(range(30)))
        assert result.extra["accepted"] == 30
        assert desk.time.slept == [2.0], "nothing more leaves before the time that the API asks for"
        assert max(departures.beside[WIDE + AT_ONCE :]) == AT_ONCE // 2

    def test_a_429_for_several_requests_is_waited_out_once(self, departures: Departures, desk: Desk) -> None:
        desk.fly = partial(ScriptedFlight, choose=last, leave=departures.note)  # 1, 2, 4 at once
        desk.fault("status", status=429, headers={"Retry-After": "2"}, skip=3, count=AT_ONCE)
        desk.deliver(detections(range(30)))
        assert Counter(desk.ids) == Counter(ids(range(30)))
        assert desk.time.slept == [2.0]
        assert max(departures.beside[3 + AT_ONCE :]) == AT_ONCE // 2

    def test_a_429_for_one_request_is_an_error_in_the_end(self, departures: Departures, desk: Desk) -> None:
        desk.fault("status", status=429, headers={"Retry-After": "2"}, skip=WIDE, count=100)
        with pytest.raises(RateLimitedError):
            desk.deliver(detections(range(30)))
        assert departures.beside[-1] == 1
        refused = [post for post in desk.posts if post[0] == 429]
        assert len(refused) == AT_ONCE + AT_ONCE // 2 + ATTEMPTS
        assert State.RESERVED not in desk.states(detections(range(30)))

    @pytest.mark.parametrize("most", [1, 2, 3])
    def test_an_api_with_a_low_concurrency_limit_gets_everything(self, most: int, desk: Desk) -> None:
        """With real threads."""
        desk.batch_size, desk.parallel_requests = 1, 8
        crowd = Crowd(most)
        with NotingSession() as session:
            session.mount("http://", crowd)
            desk.client = LIVE.connect(desk.vendors.url, session, desk.time)
            result = desk.deliver(detections(range(40)))
        assert result.extra["accepted"] == 40
        assert stored(desk.vendors.detections) == expected(detections(range(40)))
        assert crowd.refused <= 8


class Crowd(HTTPAdapter):
    """Refuses requests above a concurrency limit."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.present, self.refused = most, 0, 0
        self.lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Send a request unless there are too many."""
        with self.lock:
            self.present += 1
            is_taken = self.present <= self.most
            self.refused += not is_taken
        try:
            if is_taken:
                return super().send(request, *arguments, **named)
            response = requests.Response()
            response.status_code, response.request, response.url = 429, request, request.url or ""
            response.headers["Retry-After"] = "1"
            response.raw = io.BytesIO()
            return response
        finally:
            with self.lock:
                self.present -= 1


class TestBudget:
    """The day's budget ends among the requests in flight."""

    @pytest.mark.parametrize("allowed", [WIDE + 1, WIDE + 2, WIDE + 3])
    @pytest.mark.parametrize("batch_size", [1, 3])
    def test_the_remaining_budget_is_used_and_the_rest_waits(
        self, batch_size: int, allowed: int, departures: Departures, desk: Desk
    ) -> None:
        desk.batch_size, desk.allowed, desk.allowed_for_waiting = batch_size, allowed, allowed
        result = desk.deliver(detections(range(30)))
        assert (result.extra["accepted"], result.extra["waiting"]) == (allowed, 30 - allowed)
        assert Counter(desk.ids) == Counter(ids(range(allowed)))
        desk.time.sleep(86_400)
        desk.allowed_for_waiting = UNLIMITED
        assert desk.deliver([]).extra["from_waiting"] == 30 - allowed
        assert Counter(desk.ids) == Counter(ids(range(30)))

    def test_budget_released_by_a_refused_request_is_used(self, departures: Departures, desk: Desk) -> None:
        """It is in flight when the budget for the next one is used up, so that one waits for its answer."""
        desk.allowed, desk.allowed_for_waiting = WIDE + 2, 0
        texts = [detection(number, value=NO_ADDRESS if number == WIDE else None) for number in range(WIDE + 3)]
        result = desk.deliver(texts)
        assert (result.extra["accepted"], result.extra["waiting"]) == (WIDE + 2, 0)

    def test_the_apis_own_limit_ends_it(
        self, departures: Departures, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        limits = Limits(recorded_future_per_day=WIDE + 1)
        with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as strict:
            desk.vendors, desk.client = strict, LIVE.connect(strict.url, session, virtual_time)
            result = desk.deliver(detections(range(20)))
            assert (result.extra["accepted"], result.extra["waiting"]) == (WIDE + 1, 20 - WIDE - 1)
            assert len(departures.beside) <= WIDE + 1 + AT_ONCE, "no more is asked on this day"
            for _ in range(3):
                virtual_time.sleep(86_400)
                desk.deliver([])
            assert Counter(desk.ids) == Counter(ids(range(20)))


class TestLost:
    """The session of the ledger ends while several are in flight."""

    @pytest.mark.parametrize("nth", [1, WIDE + 1, WIDE + 2])
    @pytest.mark.parametrize("is_replaced", [False, True])
    def test_all_accepted_requests_are_known(
        self, nth: int, departures: Departures, desk: Desk, *, is_replaced: bool
    ) -> None:
        """An acceptance is a fact, regardless of the lease; nothing more is sent."""
        other = Desk(desk.engine, desk.folder / "other", desk.client, desk.vendors, desk.time)

        def lose() -> None:
            throw_out(desk.engine.url)
            if is_replaced:
                other.deliver(detections(NUMBERS), run_id="other")

        departures.meanwhile[nth] = lose
        with pytest.raises(LedgerError):
            desk.deliver(detections(NUMBERS), run_id="run")
        left = len(departures.beside)
        assert left < nth + AT_ONCE, "a replaced run has sent more"
        states = desk.states(detections(NUMBERS))
        assert states[:left] == [State.ACCEPTED] * left
        result = desk.deliver(detections(NUMBERS), run_id="run")
        assert desk.states(detections(NUMBERS)) == [State.ACCEPTED] * len(NUMBERS)
        twice = stored(desk.vendors.detections) - expected(detections(NUMBERS))
        assert twice.total() <= (AT_ONCE if is_replaced else 0)
        assert result.tally.records_in == len(NUMBERS)
