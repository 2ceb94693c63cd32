"""An API that stores but never confirms: resending has a limit, and so has sending."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from ci_operators.core.errors import AccountingError, CollectiveInsightsError, RetriableError, UnknownOutcomeError
from ci_operators.ledger.access import open_connection
from ci_operators.ledger.breaker import COOL_DOWN, MOST_UNKNOWN, Streak, find_streaks
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.quarantined import Wanted, count_entries, find_newest
from ci_operators.ledger.tables import State
from simulator.settings import RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
from tests.artifacts import read_quarantined
from tests.faults.line import UNLIMITED
from tests.ledger.samples import NO_ADDRESS, detection, detections, rows
from tests.noting_session import NotingSession
from tests.stages.desk import Desk, ids
from tests.vendor_cases import LIVE

STOPPED = (
    r"^acme has stopped sending: nobody can say whether its last 3 submissions, 2026-03-10T\S+Z to \S+Z, were stored\. "
    r".* The next run after \S+Z sends one detection as a trial, and goes on if it is accepted\.$"
)


class TestResends:
    """A detection is sent again as often as the option allows, then held and shown."""

    @pytest.mark.parametrize("resends", [0, 1, 2])
    def test_end_at_the_limit(self, resends: int, blind: Desk) -> None:
        blind.unknown_resends = resends
        blind.fault("store_then_drop", count=9)
        for _ in range(resends + 1):
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections(range(2)), run_id="run")
        blind.time.sleep(3600)
        for run_id in ("run", "later"):
            result = blind.deliver(detections(range(2)), run_id=run_id)
            assert result.tally.quarantined == {"outcome_unknown": 2}
        assert Counter(blind.ids) == dict.fromkeys(ids(range(2)), resends + 1)
        assert blind.states(detections(range(2))) == [State.UNKNOWN] * 2
        assert {entry["record"]["incident"]["id"] for entry in read_quarantined(result)} == set(ids(range(2)))

    def test_do_not_count_postponed_ones(self, blind: Desk) -> None:
        """Postponed and temporarily refused resends do not use up the one allowed resend."""
        blind.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections(range(2)))
        blind.allowed = blind.allowed_for_waiting = 0
        blind.deliver(detections(range(2)))
        blind.allowed = blind.allowed_for_waiting = UNLIMITED
        blind.fault("status", status=429, headers={"Retry-After": "3600"})
        with pytest.raises(RetriableError):
            blind.deliver(detections(range(2)))
        result = blind.deliver(detections(range(2)))
        assert (result.extra["resent_unknown"], result.tally.quarantined) == (2, {})

    def test_are_counted_for_each_detection(self, blind: Desk) -> None:
        """Some have been sent again and others not yet, so they are not in one batch."""
        blind.fault("store_then_drop", count=2)
        for _ in range(2):
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections([0]))
        blind.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections([1]))
        blind.time.sleep(3600)
        result = blind.deliver(detections([0, 1]))
        assert (result.tally.quarantined, result.extra["resent_unknown"]) == ({"outcome_unknown": 1}, 1)
        assert Counter(blind.ids) == dict.fromkeys(ids([0, 1]), 2)


def test_a_held_one_that_has_arrived_after_all_is_no_longer_open(desk: Desk, session: NotingSession) -> None:
    """It is held without a search; the next run can search and finds it."""
    desk.policy = "hold"
    may_not_search = LIVE.connect(desk.vendors.url, session, desk.time, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH)
    desk.fault("store_then_drop")
    with pytest.raises(UnknownOutcomeError):
        desk.deliver(detections([1]), client=may_not_search)
    held = desk.deliver(detections([1]), client=may_not_search)
    assert held.tally.quarantined == {"outcome_unknown": 1}
    with open_connection(desk.engine) as connection:
        assert count_entries(connection, Wanted(["acme"])) == 1
        desk.deliver(detections([1]))
        assert count_entries(connection, Wanted(["acme"])) == 0
        assert find_newest(connection, Wanted(settled_too=True), 9)[0].replay_note == "Recorded Future has accepted it"


class TestStopped:
    """A connector whose submissions keep ending unknown stops sending."""

    @pytest.fixture
    def stopped(self, blind: Desk) -> Desk:
        """A desk whose connector has stopped."""
        blind.fault("store_then_drop", count=MOST_UNKNOWN)
        for number in range(MOST_UNKNOWN):
            blind.time.sleep(60)
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections([number]))
        return blind

    def streak(self, desk: Desk) -> Streak | None:
        with open_connection(desk.engine) as connection:
            return find_streaks(connection, [1]).get(1)

    def test_it_reports_since_when_and_sends_nothing(self, stopped: Desk) -> None:
        posts = len(stopped.posts)
        for _ in range(3):
            with pytest.raises(RetriableError, match=STOPPED):
                stopped.deliver(detections(range(10, 20)))
        assert len(stopped.posts) == posts
        streak = self.streak(stopped)
        assert streak is not None
        assert (streak.submissions, streak.last) == (3, stopped.time.instant)
        assert streak.since == stopped.time.instant - timedelta(minutes=2)

    def test_it_succeeds_with_nothing_to_send(self, stopped: Desk) -> None:
        assert stopped.deliver([]).extra["accepted"] == 0

    def test_an_accepted_trial_restarts_it(self, stopped: Desk) -> None:
        stopped.time.sleep(COOL_DOWN.total_seconds())
        posts = len(stopped.posts)
        result = stopped.deliver(detections(range(10, 18)))
        assert stopped.posts[posts:] == [(200, 1), (200, 2), (200, 3), (200, 2)]
        assert (result.extra["accepted"], self.streak(stopped)) == (8, None)

    def test_a_failed_trial_takes_one_detection(self, stopped: Desk) -> None:
        for hour in range(1, 4):
            stopped.time.sleep(3600)
            stopped.fault("store_then_drop")
            with pytest.raises(UnknownOutcomeError):
                stopped.deliver(detections(range(10, 20)))
            with pytest.raises(RetriableError, match=r"has stopped sending: .* its last"):
                stopped.deliver(detections(range(10, 20)))
            streak = self.streak(stopped)
            assert streak is not None
            assert (streak.submissions, len(stopped.ids)) == (3 + hour, 3 + hour)

    def test_a_refused_trial_changes_nothing(self, stopped: Desk) -> None:
        """The next one is a trial too."""
        stopped.time.sleep(3600)
        posts = len(stopped.posts)
        stopped.deliver([detection(10, value=NO_ADDRESS), *detections(range(11, 15))])
        live = [post for post in stopped.posts[posts:] if post[0] == 200]
        assert live == [(200, 1), (200, 1), (200, 2)]

    def test_without_budget_nothing_is_tried_one_by_one(self, stopped: Desk) -> None:
        """They are postponed in full batches, not one by one."""
        stopped.time.sleep(3600)
        stopped.batch_size, stopped.allowed, stopped.allowed_for_waiting = 1000, 0, 0
        result = stopped.deliver(detections(range(1000, 2000)))
        assert result.extra["waiting"] == 1000
        with open_connection(stopped.engine) as connection, connection.begin():
            assert connection.scalar(text("SELECT count(*) FROM batch WHERE size = 1")) == MOST_UNKNOWN

    def test_refused_trials_do_not_pile_up(self, stopped: Desk) -> None:
        stopped.time.sleep(3600)
        stopped.batch_size = 300
        result = stopped.deliver([detection(number, value=NO_ADDRESS) for number in range(1000, 1300)])
        assert result.tally.quarantined == {"rejected_by_api": 300}

    def test_a_run_that_was_replaced_leaves_the_count_alone(self, stopped: Desk) -> None:
        with open_connection(stopped.engine) as connection:
            replaced = Deliveries(connection, "acme", "late", "rf", now=lambda: stopped.time.instant).lock()
            (batch,) = replaced.plan([rows([50])], [])
            replaced.reserve([batch], UNLIMITED)
            with connection.begin():
                connection.execute(text("UPDATE connector SET fence = fence + 1, unknown_streak = 7"))
            replaced.mark_unknown(batch, "no answer")
            assert replaced.find(rows([50])).popitem()[1].state is State.UNKNOWN, "that is a fact, whoever says it"
        streak = self.streak(stopped)
        assert streak is not None
        assert streak.submissions == 7

    def test_an_answer_in_between_resets_the_count(self, blind: Desk) -> None:
        for number in range(2 * MOST_UNKNOWN):
            blind.fault("store_then_drop", skip=1)
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections(range(10 * number, 10 * number + 6)))
        assert self.streak(blind) == Streak(1, blind.time.instant, blind.time.instant)

    def test_a_count_mismatch_counts(self, blind: Desk) -> None:
        blind.fault("wrong_counts", count=MOST_UNKNOWN)
        for number in range(MOST_UNKNOWN):
            with pytest.raises(AccountingError):
                blind.deliver(detections(range(3 * number, 3 * number + 3)))
        with pytest.raises(RetriableError, match=STOPPED):
            blind.deliver(detections([99]))

    def test_an_api_that_never_answers_gets_few_requests(self, blind: Desk) -> None:
        """A hundred detections, batches of ten, three runs of four tries each, half an hour apart."""
        blind.batch_size = 10
        blind.fault("store_then_status", status=504, count=1000)
        for run in range(3):
            for _ in range(4):
                with pytest.raises(CollectiveInsightsError):
                    blind.deliver(detections(range(100)), run_id=f"run-{run}")
                blind.time.sleep(60)
            blind.time.sleep(1800)
        copies = Counter(blind.ids)
        assert max(copies.values()) <= 2
        assert copies.total() <= 10 * MOST_UNKNOWN + 2
