"""Requests in flight: their number, their threads, and the end of the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ci_operators.core.errors import CredentialsError, RateLimitedError, UnknownOutcomeError
from ci_operators.ledger.batch import Batch
from ci_operators.recorded_future.api import Receipt
from ci_operators.stages.account import Rules
from ci_operators.stages.flight import Answer, Flight
from ci_operators.stages.run import Terms
from ci_operators.transport.client import Client
from tests.faults.line import UNLIMITED
from tests.faults.scripted_api import Fate, ScriptedApi
from tests.ledger.samples import rows
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

PATIENCE_S = 20.0


class MeetingApi(ScriptedApi):
    """Answers after this many concurrent requests have arrived."""

    meeting: threading.Barrier | None = None

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Wait for the others, then answer."""
        if self.meeting is not None:
            self.meeting.wait(PATIENCE_S)
        with _ONE_AT_A_TIME:  # the test's script for the next requests is one list
            return super().send(request, *arguments, **named)


_ONE_AT_A_TIME = threading.Lock()


@pytest.fixture
def api() -> MeetingApi:
    return MeetingApi(is_bad=lambda _: False)


@pytest.fixture
def client(api: MeetingApi, virtual_time: VirtualTime) -> Iterator[Client]:
    with requests.Session() as session:
        session.mount("http://", api)
        yield LIVE.connect("http://127.0.0.1:9", session, virtual_time)


def rules(parallel_requests: int) -> Rules:
    return Rules(Terms((), 1), "resend", UNLIMITED, UNLIMITED, parallel_requests=parallel_requests)


def batches(*numbers: int) -> list[Batch]:
    return [Batch(number, rows([number])) for number in numbers]


def land_all(flight: Flight) -> list[Answer]:
    found = []
    while flight.batches:
        found += list(flight.land())
    return found


def widen(flight: Flight, room: int) -> None:
    """Accept requests until there is room for this many."""
    for number in range(1, room):
        flight.start(batches(1000 + number))
        land_all(flight)
    assert flight.room == room


class TestRoom:
    """The limit of concurrent requests."""

    def test_begins_with_one_and_grows_with_each_that_is_accepted(self, client: Client) -> None:
        with Flight(client, rules(3)) as flight:
            for expected, number in ((1, 1), (2, 2), (3, 3), (3, 4)):
                assert flight.room == expected
                flight.start(batches(number))
                assert flight.room == expected - 1
                land_all(flight)

    def test_they_are_in_flight_at_the_same_time(self, api: MeetingApi, client: Client) -> None:
        with Flight(client, rules(3)) as flight:
            widen(flight, 3)
            api.meeting = threading.Barrier(3)
            flight.start(batches(1, 2, 3))
            assert flight.room == 0
            answers = land_all(flight)
        assert sorted(answer.batch.number for answer in answers) == [1, 2, 3]
        assert all(isinstance(answer.result, Receipt) and answer.beside == 3 for answer in answers)

    @pytest.mark.parametrize("fate", ["401", "lost answer", "413"])
    def test_a_failed_request_makes_no_room(self, fate: Fate, api: MeetingApi, client: Client) -> None:
        with Flight(client, rules(3)) as flight:
            api.fates.append(fate)
            flight.start(batches(1))
            land_all(flight)
            assert flight.room == 1

    def test_a_429_halves_the_limit_for_the_rest(self, api: MeetingApi, client: Client) -> None:
        """Requests that were sent together count as one refusal, so the limit is not halved for each of them."""
        with Flight(client, rules(4)) as flight:
            widen(flight, 4)
            api.meeting = threading.Barrier(4)
            api.fates.extend(["busy"] * 4)
            flight.start(batches(1, 2, 3, 4))
            answers = land_all(flight)
            for answer in answers:
                flight.narrow(answer)
            assert flight.room == 2
            api.meeting = None
            for number in range(5, 9):
                flight.start(batches(number))
                land_all(flight)
            assert flight.room == 2

    def test_the_limit_is_at_least_one(self, client: Client) -> None:
        with Flight(client, rules(4)) as flight:
            flight.narrow(Answer(batches(1)[0], RateLimitedError("No"), 1))
            assert flight.room == 1

    def test_no_thread_tries_it_again(self, api: MeetingApi, client: Client, virtual_time: VirtualTime) -> None:
        """Its process and the ledger's connection may have ended meanwhile."""
        api.fates.append("busy")
        with Flight(client, rules(4)) as flight:
            flight.start(batches(1))
            (answer,) = land_all(flight)
        assert isinstance(answer.result, RateLimitedError)
        assert virtual_time.slept == []


class TestAnswers:
    """An error is an answer like any other."""

    @pytest.mark.parametrize(("fate", "error"), [("401", CredentialsError), ("lost", UnknownOutcomeError)])
    def test_errors_of_ours_are_given_back(
        self, fate: Fate, error: type[Exception], api: MeetingApi, client: Client
    ) -> None:
        api.fates.append(fate)
        with Flight(client, rules(1)) as flight:
            flight.start(batches(1))
            (answer,) = land_all(flight)
        assert isinstance(answer.result, error)

    def test_an_answer_that_is_not_collected_stays_in_flight(self, api: MeetingApi, client: Client) -> None:
        with Flight(client, rules(2)) as flight:
            widen(flight, 2)
            api.meeting = threading.Barrier(2)
            flight.start(batches(1, 2))
            for answer in flight.land():
                left = 3 - answer.batch.number
                break
            assert [batch.number for batch in flight.batches] == [left]
            assert [answer.batch.number for answer in land_all(flight)] == [left]

    def test_nothing_in_flight_gives_no_answers(self, client: Client) -> None:
        with Flight(client, rules(2)) as flight:
            assert list(flight.land()) == []


class TestThreads:
    """The shared state of threads, and their end."""

    def test_each_request_has_separate_cookies(self, client: Client) -> None:
        """Threads share connections and settings, but not a cookie jar."""
        other = client.copy()
        other.session.cookies.set("name", "value")
        assert not client.session.cookies
        assert other.session.adapters["http://"] is client.session.adapters["http://"]
        assert other.session.verify is client.session.verify
        assert (other.auth, other.pacer) == (client.auth, client.pacer)

    def test_ending_the_process_does_not_wait(self, api: MeetingApi, client: Client) -> None:
        flight = Flight(client, rules(1))
        api.meeting = threading.Barrier(2)  # no other request arrives
        flight.start(batches(1))
        with pytest.raises(KeyboardInterrupt), flight:
            raise KeyboardInterrupt
        assert [batch.number for batch in flight.batches] == [1]
        assert not api.meeting.broken, "it has waited until nobody came"
        api.meeting.abort()
