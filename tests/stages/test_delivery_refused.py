"""Delivery when the API refuses detections, drops them, or counts otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ci_operators.core.errors import (
    AccountingError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from ci_operators.ledger.access import open_connection
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.quarantined import Wanted, close_entries, read_pages
from ci_operators.ledger.row import read_row
from ci_operators.ledger.settlement import override
from ci_operators.ledger.tables import State
from ci_operators.stages.account import MISMATCH
from simulator import Limits, Simulator, serve
from tests.artifacts import read_quarantined
from tests.faults.line import expected, held
from tests.ledger.samples import NO_ADDRESS, detection, detections
from tests.noting_session import NotingSession
from tests.stages.desk import Desk, FussyClient, ids
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime


@contextmanager
def limited(desk: Desk, max_body: int) -> Iterator[None]:
    """Let a desk deliver to an API that refuses longer bodies, in bytes."""
    limits = Limits(recorded_future_per_day=None, recorded_future_max_body=max_body)
    with serve(Simulator(clock=desk.time, scenario=False, limits=limits)) as strict:
        desk.vendors, desk.client = strict, LIVE.connect(strict.url, desk.client.session, desk.time)
        yield


class TestRefusals:
    """400 and 413: what the API refuses is quarantined, the rest delivered."""

    def test_the_bad_ones_are_quarantined_with_the_apis_message(self, desk: Desk) -> None:
        texts = [detection(0), detection(1, value=NO_ADDRESS), *detections([2, 3])]
        result = desk.deliver(texts)
        assert desk.ids == ids([0, 2, 3])
        (entry,) = read_quarantined(result)
        assert (entry["issue"], entry["event_id"]) == ("rejected_by_api", "event-00001")
        assert "Recorded Future answered 400 (data[0].ioc.value: not a valid ip)" in entry["detail"]
        assert entry["record"] == json.loads(texts[1])
        assert result.tally.quarantined == {"rejected_by_api": 1}
        assert desk.states(texts) == [State.ACCEPTED, State.REJECTED, State.ACCEPTED, State.ACCEPTED]

    @pytest.mark.parametrize("bad", [{0}, {0, 1, 2}, {2, 3}, {0, 1, 2, 3, 4, 5, 6}, {6}])
    def test_bad_ones_are_found_at_any_position(self, bad: set[int], desk: Desk) -> None:
        texts = [detection(number, value=NO_ADDRESS if number in bad else None) for number in range(7)]
        result = desk.deliver(texts)
        assert desk.ids == ids(number for number in range(7) if number not in bad)
        assert result.tally.quarantined == {"rejected_by_api": len(bad)}

    def test_they_are_not_sent_again_and_keep_their_message(self, desk: Desk) -> None:
        text = detection(0, value=NO_ADDRESS)
        (first,) = read_quarantined(desk.deliver([text]))
        desk.vendors.clear_requests()
        (second,) = read_quarantined(desk.deliver([text]))
        assert desk.vendors.requests == []
        assert second == first

    def test_a_retry_writes_the_artifact_again(self, desk: Desk) -> None:
        """The first try found the bad one and failed later."""
        texts = [detection(0, value=NO_ADDRESS), *detections(range(1, 6))]
        desk.fault("status", status=403, skip=4)
        with pytest.raises(CredentialsError):
            desk.deliver(texts, run_id="run")
        assert [path.name for path in desk.last_folder.iterdir()] == ["validate.jsonl.zst"], "half an artifact"
        (entry,) = read_quarantined(desk.deliver(texts, run_id="run"))
        assert "not a valid ip" in entry["detail"]
        assert desk.ids == ids(range(1, 6))

    @pytest.mark.parametrize("size", [1, 2, 4])
    def test_a_wrong_request_quarantines_nothing(self, size: int, desk: Desk) -> None:
        desk.organization_ids = ("no organization",)
        with pytest.raises(RequestRefusedError, match="must start with uhash:"):
            desk.deliver(detections(range(size)))
        assert set(desk.states(detections(range(size)))) == {State.PLANNED}
        desk.organization_ids = ()
        desk.deliver(detections(range(size)))
        assert desk.ids == ids(range(size))

    def test_a_wrong_request_takes_two_submissions(self, desk: Desk) -> None:
        """The second one shows that no detection is to blame."""
        desk.organization_ids, desk.batch_size = ("no organization",), 100
        with pytest.raises(RequestRefusedError, match="must start with uhash:"):
            desk.deliver(detections(range(100)))
        assert len(desk.vendors.requests) == 2

    def test_a_size_that_was_too_large_is_tried_once(self, desk: Desk) -> None:
        """After a 413, the allowed size is known for the rest of the run."""
        text = len(detection(100))
        with limited(desk, 5 * text):
            desk.batch_size = 8
            desk.deliver(detections(range(100, 140)))
            assert desk.posts == [(413, None), *[(200, 4)] * 10]
            assert desk.ids == ids(range(100, 140))

    def test_one_too_large_detection_does_not_lower_the_limit_for_others(self, desk: Desk) -> None:
        huge = detection(99, event_id="x" * 9000)
        with limited(desk, 8000):
            desk.batch_size = 8
            result = desk.deliver([*detections(range(7)), huge, *detections(range(7, 31))])
            assert desk.posts[-3:] == [(200, 8)] * 3
        assert (result.tally.quarantined, result.extra["accepted"]) == ({"rejected_by_api": 1}, 31)

    def test_a_batch_too_large_is_halved_until_it_fits(self, desk: Desk) -> None:
        desk.batch_size = 8
        desk.fault("status", status=413, count=3)
        desk.deliver(detections(range(8)))
        assert desk.posts == [(413, None)] * 3 + [(200, 1)] * 8, "what a refusal has taught holds for the rest"
        assert desk.ids == ids(range(8))

        assert desk.deliver([]).extra["split"] == 0

    def test_a_batch_with_too_many_is_halved_until_it_fits(self, desk: Desk) -> None:
        """The maximum of entries is undocumented: after a 400, each half is accepted."""
        desk.batch_size = 8
        desk.client = FussyClient(**vars(desk.client))
        result = desk.deliver(detections(range(8)))
        assert desk.ids == ids(range(8))
        assert (result.extra["split"], result.extra["accepted"], result.tally.quarantined) == (2, 8, {})

    def test_bad_ones_among_too_many_are_quarantined(self, desk: Desk) -> None:
        desk.batch_size = 8
        desk.client = FussyClient(**vars(desk.client))
        texts = [detection(number, value=NO_ADDRESS if number == 5 else None) for number in range(8)]
        result = desk.deliver(texts)
        assert sorted(filter(None, desk.ids)) == ids([0, 1, 2, 3, 4, 6, 7])
        assert result.tally.quarantined == {"rejected_by_api": 1}

    def test_an_error_of_live_requests_only_stops_the_run(self, desk: Desk) -> None:
        desk.fault("status", status=400)
        with pytest.raises(RequestRefusedError):
            desk.deliver(detections(range(1)))
        assert desk.states(detections(range(1))) == [State.PLANNED]

    def test_one_that_is_too_large_alone_is_quarantined(self, desk: Desk) -> None:
        huge = detection(1, event_id="x" * 3000)
        with limited(desk, 2000):
            result = desk.deliver([detection(0), huge, detection(2)])
            assert desk.ids == ids([0, 2])
        assert result.tally.quarantined == {"rejected_by_api": 1}
        assert "413" in read_quarantined(result)[0]["detail"]
        assert desk.states([huge]) == [State.REJECTED]

    def test_the_budget_of_what_was_refused_is_given_back(self, desk: Desk) -> None:
        desk.allowed = 3
        result = desk.deliver([detection(0, value=NO_ADDRESS), *detections(range(1, 4))])
        assert desk.ids == ids([1, 2, 3])
        assert result.extra["waiting"] == 0

    @pytest.mark.parametrize(
        ("status", "error"), [(401, CredentialsError), (403, CredentialsError), (404, RequestRefusedError)]
    )
    def test_an_error_without_bad_detections_stops_the_run(
        self, status: int, error: type[Exception], desk: Desk
    ) -> None:
        desk.fault("status", status=status)
        desk.allowed = 3
        with pytest.raises(error):
            desk.deliver(detections(range(3)))
        assert desk.states(detections(range(3))) == [State.PLANNED] * 3
        desk.deliver(detections(range(3)))
        assert desk.ids == ids(range(3))

    def test_a_long_429_stops_the_run_and_keeps_its_delay(self, desk: Desk) -> None:
        desk.fault("status", status=429, headers={"Retry-After": "3600"})
        with pytest.raises(RateLimitedError) as caught:
            desk.deliver(detections(range(3)))
        assert caught.value.retry_after_s == 3600
        assert desk.states(detections(range(3))) == [State.PLANNED] * 3

    def test_an_unreachable_host_has_stored_nothing(
        self, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        with pytest.raises(UnreachableError):
            desk.deliver(detections(range(3)), client=LIVE.connect("http://127.0.0.1:1", session, virtual_time))
        assert desk.states(detections(range(3))) == [State.PLANNED] * 3
        assert desk.deliver(detections(range(3))).extra["resent_unknown"] == 0


class TestMismatch:
    """The API counts other detections than were sent: some may be lost, but none may be duplicated."""

    def test_missing_detections_are_held_and_never_resent_automatically(self, blind: Desk) -> None:
        blind.fault("wrong_counts", skip=1)
        with pytest.raises(AccountingError, match="processed 2 ip, but 3 ip were sent"):
            blind.deliver(detections(range(7)))
        assert [known and known.note for known in blind.known(detections([3]))] == [MISMATCH]
        for _ in range(3):
            result = blind.deliver(detections(range(7)))
            assert result.tally.quarantined == {"outcome_unknown": 3}
        assert blind.ids == ids(range(7))
        assert held(result) == set(expected(detections(range(3, 6))))
        assert {entry["detail"] for entry in read_quarantined(result)} == {MISMATCH}

    def test_detections_that_the_search_finds_are_accepted(self, desk: Desk) -> None:
        desk.fault("wrong_counts")
        with pytest.raises(AccountingError):
            desk.deliver(detections(range(3)))
        result = desk.deliver(detections(range(3)))
        assert result.extra["found_by_search"] == 3
        assert result.tally.dropped == {"already_accepted": 3}
        assert desk.ids == ids(range(3))

    def test_an_answer_with_another_debug_flag_is_a_mismatch(self, blind: Desk) -> None:
        body = {"result": {"status": "OK", "debug": True, "summary": {"processed": {"ip": 3}}}}
        blind.fault("status", status=200, body=body)
        with pytest.raises(AccountingError, match="answered debug=True"):
            blind.deliver(detections(range(3)))
        assert blind.deliver(detections(range(3))).tally.quarantined == {"outcome_unknown": 3}


class TestTransientIds:
    """The answer can name the dropped detections."""

    def names(self, texts: Iterable[bytes]) -> list[str]:
        return [read_row("acme", text).key.hex() for text in texts]

    def answer(self, desk: Desk, processed: int, dropped: list[Any]) -> None:
        summary = {"processed": {"ip": processed}, "dropped": dropped}
        body = {"result": {"status": "OK", "debug": False, "summary": summary}}
        desk.fault("status", status=200, body=body)

    def bodies(self, session: NotingSession) -> list[Any]:
        return [json.loads(request.body or b"")["data"] for request in session.sent]

    def test_each_detection_carries_its_key_if_that_is_on(self, desk: Desk, session: NotingSession) -> None:
        desk.send_transient_id = True
        texts = detections(range(2))
        assert desk.deliver(texts).extra["accepted"] == 2
        ((first, second),) = self.bodies(session)
        assert [first.pop("transient_id"), second.pop("transient_id")] == self.names(texts)
        assert [first, second] == [json.loads(text) for text in texts]

    def test_no_detection_carries_a_key_if_that_is_off(self, desk: Desk, session: NotingSession) -> None:
        texts = detections(range(2))
        desk.deliver(texts)
        assert b",".join(texts) in (session.sent[-1].body or b"")

    @pytest.mark.parametrize("processed", [2, 3])
    def test_named_detections_are_quarantined_and_the_rest_accepted(self, processed: int, desk: Desk) -> None:
        desk.send_transient_id = True
        texts = detections(range(3))
        self.answer(desk, processed, [{"transient_id": self.names(texts)[1], "reason": "too old"}])
        result = desk.deliver(texts)
        (entry,) = read_quarantined(result)
        assert (entry["issue"], entry["event_id"]) == ("rejected_by_api", "event-00001")
        assert "too old" in entry["detail"]
        assert entry["record"] == json.loads(texts[1])
        assert (result.extra["accepted"], result.tally.quarantined) == (2, {"rejected_by_api": 1})
        assert desk.states(texts) == [State.ACCEPTED, State.REJECTED, State.ACCEPTED]
        posts = len(desk.posts)
        desk.deliver(texts)
        assert len(desk.posts) == posts

    def test_without_names_a_difference_stays_an_error(self, desk: Desk) -> None:
        desk.send_transient_id = True
        self.answer(desk, 2, ["somebody else's"])
        with pytest.raises(AccountingError):
            desk.deliver(detections(range(3)))


class TestClosed:
    """A closed entry stays closed until its detection is sent again."""

    @pytest.mark.parametrize("issue", ["rejected_by_api", "outcome_unknown"])
    def test_a_run_that_reads_it_again_leaves_it_closed(self, issue: str, desk: Desk) -> None:
        texts = lose(desk, issue)
        close_all(desk)
        again = desk.deliver(texts)
        assert again.tally.quarantined == {issue: 1}, "it is counted all the same"
        assert desk.kept() == []

    @pytest.mark.parametrize("issue", ["rejected_by_api", "outcome_unknown"])
    def test_sent_again_and_lost_again_it_is_open(self, issue: str, desk: Desk) -> None:
        texts = lose(desk, issue)
        close_all(desk)
        key = read_row("acme", texts[0]).key
        with open_connection(desk.engine) as connection:
            lease = Deliveries(connection, "acme", "settle", "rf").lock().lease
            with lease.transaction():
                override(connection, [key], State.PLANNED, "by hand", only=[State.REJECTED, State.UNKNOWN])
        assert lose(desk, issue) == texts
        assert [entry.issue for entry in desk.kept()] == [issue]


def lose(desk: Desk, issue: str) -> list[bytes]:
    """Deliver one detection that gets this issue."""
    desk.policy = "hold"
    if issue == "rejected_by_api":
        texts = [detection(0, value=NO_ADDRESS)]
    else:
        texts = [detection(0)]
        desk.fault("drop_connection")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(texts)
    assert desk.deliver(texts).tally.quarantined == {issue: 1}
    return texts


def close_all(desk: Desk) -> None:
    with open_connection(desk.engine) as connection:
        ids = [entry.id for page in read_pages(connection, Wanted()) for entry in page]
        with connection.begin():
            close_entries(connection, ids, "closed by hand")
