"""Delivery within the day's budget: detections above it wait and are sent later."""

from __future__ import annotations

import pytest

from ci_operators.core.errors import CredentialsError, UnknownOutcomeError
from ci_operators.ledger.tables import State
from simulator import Limits, Simulator, serve
from tests.artifacts import read_quarantined
from tests.faults.line import UNLIMITED
from tests.ledger.samples import NO_ADDRESS, detection, detections
from tests.noting_session import NotingSession
from tests.stages.desk import Desk, ids
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime


class TestBudget:
    """The daily limit, ours and the API's."""

    def test_detections_over_the_limit_wait_and_are_sent_later(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 6
        result = desk.deliver(detections(range(10)))
        assert desk.ids == ids(range(6))
        assert (result.extra["waiting"], result.tally.records_out) == (4, 10)
        assert desk.states(detections(range(6, 10))) == [State.WAITING] * 4
        desk.time.sleep(86_400)
        result = desk.deliver([])
        assert desk.ids == ids(range(10))
        assert (result.extra["from_waiting"], result.extra["waiting"], result.tally.records_in) == (4, 0, 0)
        assert desk.deliver([]).extra["from_waiting"] == 0

    def test_a_later_run_of_the_same_day_sends_nothing(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 3
        desk.deliver(detections(range(5)))
        posts = len(desk.posts)
        result = desk.deliver(detections(range(5)))
        assert (len(desk.posts), result.extra["waiting"], result.tally.dropped) == (posts, 2, {"already_accepted": 3})

    def test_waiting_takes_no_more_than_its_share(self, desk: Desk) -> None:
        """A backfill of many days never starves new detections."""
        desk.allowed = desk.allowed_for_waiting = 6
        desk.deliver(detections(range(20)))
        for day in range(1, 3):
            desk.time.sleep(86_400)
            desk.allowed = 12
            desk.deliver(detections(range(100 * day, 100 * day + 3)))
            today = [one for one in desk.vendors.detections if one.stored_at >= desk.vendors.now]
            assert [one.incident_id for one in today][:3] == ids(range(100 * day, 100 * day + 3))
            assert len(today) == 6, "live ones count in the share of those that waited"
            desk.deliver(detections(range(100 * day + 3, 100 * day + 9)))
            assert desk.ids[-6:] == ids(range(100 * day + 3, 100 * day + 9)), "the rest of the day is theirs"

    def test_the_apis_own_limit_is_respected(
        self, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        limits = Limits(recorded_future_per_day=5)
        with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as strict:
            desk.vendors, desk.client = strict, LIVE.connect(strict.url, session, virtual_time)
            result = desk.deliver(detections(range(10)))
            assert (desk.ids, result.extra["waiting"]) == (ids(range(3)), 7)
            assert desk.posts == [(200, 3), (429, None)], "no more is asked on this day"
            for _ in range(2):
                virtual_time.sleep(86_400)
                desk.deliver([])
            virtual_time.sleep(86_400)
            desk.deliver([])
            assert desk.ids == ids(range(10))

    def test_a_batch_above_the_limit_does_not_wait_forever(self, desk: Desk) -> None:
        desk.batch_size, desk.allowed, desk.allowed_for_waiting = 10, 4, 2
        desk.deliver(detections(range(8)))
        assert desk.ids == ids(range(8))[:4]
        for _ in range(2):
            desk.time.sleep(86_400)
            desk.deliver([])
        assert desk.ids == ids(range(8))

    @pytest.mark.parametrize(("allowed", "posts"), [(7, [3, 3, 1]), (5, [3, 2]), (1, [1])])
    def test_the_rest_of_the_days_budget_is_used(self, allowed: int, posts: list[int], desk: Desk) -> None:
        """A batch does not wait because a part of it has to."""
        desk.allowed = desk.allowed_for_waiting = allowed
        result = desk.deliver(detections(range(9)))
        assert desk.posts == [(200, count) for count in posts]
        assert (result.extra["accepted"], result.extra["waiting"]) == (allowed, 9 - allowed)
        desk.allowed_for_waiting = UNLIMITED
        assert desk.deliver([]).extra["from_waiting"] == 9 - allowed
        assert desk.ids == ids(range(9))

    def test_budget_that_another_connector_left_is_used(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 8
        desk.batch_size = 5
        desk.deliver(detections(range(3)), connector="globex")
        assert desk.deliver(detections(range(9))).extra["accepted"] == 5

    def test_bad_ones_that_waited_keep_their_text_when_the_run_fails(self, desk: Desk) -> None:
        """They are no longer on the list, so the quarantine has the only copy."""
        bad = detection(1, value=NO_ADDRESS)
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver([detection(0), bad, *detections(range(2, 6))])
        desk.allowed_for_waiting = UNLIMITED
        desk.fault("status", status=403, skip=8)
        with pytest.raises(CredentialsError):
            desk.deliver([])
        assert [(entry.issue, entry.record) for entry in desk.kept()] == [("rejected_by_api", bad)]
        desk.deliver([])
        assert (desk.ids, len(desk.kept())) == (ids([0, 2, 3, 4, 5]), 1)

    def test_held_ones_that_waited_keep_their_texts_when_the_run_fails(self, blind: Desk) -> None:
        blind.allowed = blind.allowed_for_waiting = 0
        blind.deliver(detections(range(6)))
        blind.policy, blind.allowed_for_waiting = "hold", UNLIMITED
        blind.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            blind.deliver([])
        blind.fault("status", status=403)
        with pytest.raises(CredentialsError):
            blind.deliver([])
        assert [(entry.issue, entry.record) for entry in blind.kept()] == [
            ("outcome_unknown", text) for text in detections(range(3))
        ]

    def test_without_a_share_everything_waits_and_is_counted(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        assert desk.deliver(detections(range(2))).extra["waiting"] == 2
        assert desk.ids == []

    def test_unknown_ones_that_must_wait_stay_unknown(self, blind: Desk) -> None:
        """Otherwise, they would be sent a day later like new ones."""
        blind.allowed = blind.allowed_for_waiting = 3
        blind.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections(range(3)))
        assert blind.deliver(detections(range(3))).extra["waiting"] == 3
        assert blind.states(detections(range(3))) == [State.UNKNOWN] * 3
        blind.time.sleep(86_400)
        assert blind.deliver([]).extra["resent_unknown"] == 3
        assert blind.ids == ids(range(3)) * 2

    def test_unknown_ones_that_waited_are_looked_up(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 3
        desk.deliver(detections(range(6)))
        desk.time.sleep(86_400)
        desk.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver([])
        result = desk.deliver([])
        assert (desk.ids, result.extra["found_by_search"]) == (ids(range(6)), 3)
        assert desk.deliver([]).extra["found_by_search"] == 0

    def test_bad_ones_that_waited_are_quarantined(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver([detection(0), detection(1, value=NO_ADDRESS)])
        desk.allowed_for_waiting = UNLIMITED
        result = desk.deliver([])
        (entry,) = read_quarantined(result)
        assert (entry["issue"], desk.ids) == ("rejected_by_api", ids([0]))
        assert (result.extra["waiting_quarantined"], result.extra["from_waiting"]) == (1, 1)
        assert (result.tally.records_in, result.tally.quarantined) == (0, {})

    def test_postponed_detections_are_not_counted_as_sent(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver(detections(range(4)))
        result = desk.deliver([])
        assert (result.extra["from_waiting"], result.extra["put_off_again"], result.extra["waiting"]) == (0, 3, 0)
        desk.allowed_for_waiting = 3
        result = desk.deliver([])
        assert (result.extra["from_waiting"], result.extra["put_off_again"]) == (3, 1)

    def test_pending_detections_that_are_read_again_are_sent_once(self, desk: Desk) -> None:
        """The overlap reads them again in the run in which they are due."""
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver(detections(range(7)))
        desk.allowed = desk.allowed_for_waiting = 3
        result = desk.deliver(detections(range(2, 7)))
        assert (result.extra["from_waiting"], result.extra["waiting"]) == (3, 4)
        desk.time.sleep(86_400)
        desk.allowed = desk.allowed_for_waiting = UNLIMITED
        result = desk.deliver(detections(range(2, 7)))
        assert (result.extra["from_waiting"], result.extra["waiting"], result.extra["put_off_again"]) == (4, 0, 0)
