"""Exact delivery, with the simulator as the API and a real PostgreSQL as the ledger."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Literal

import pytest

from ci_operators.core.errors import (
    CollectiveInsightsError,
    CredentialsError,
    LedgerError,
    RateLimitedError,
    UnknownOutcomeError,
)
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import Submission, submit
from ci_operators.stages import delivery
from ci_operators.stages.account import DROP_REASONS, ISSUES
from ci_operators.transport.client import ATTEMPTS
from simulator import Limits, Simulator, serve
from simulator.settings import (
    ORGANIZATION,
    RECORDED_FUTURE_TOKEN,
    SUB_ORGANIZATION,
)
from tests.faults.line import UNLIMITED, expected, held, stored
from tests.ledger.samples import NO_ADDRESS, detection, detections
from tests.noting_session import NotingSession
from tests.stages.desk import Desk, ids
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime


class TestPlainDelivery:
    """Without errors."""

    def test_all_arrive_in_batches(self, desk: Desk) -> None:
        result = desk.deliver(detections(range(7)))
        assert desk.ids == ids(range(7))
        assert desk.posts == [(200, 3), (200, 3), (200, 1)]
        assert desk.states(detections(range(7))) == [State.ACCEPTED] * 7
        assert (result.tally.records_in, result.tally.records_out) == (7, 7)
        assert result.artifact is None
        assert result.extra == {
            "processed": {"ip": 7}, "batches": 3, "accepted": 7, "waiting": 0, "split": 0, "resent_unknown": 0,
            "found_by_search": 0, "search_could_not_tell": 0, "from_waiting": 0, "put_off_again": 0,
            "waiting_quarantined": 0, "unknown_from_earlier_tries": 0, "counted_since": "-infinity", "clear_number": 0,
        }  # fmt: skip

    def test_texts_arrive_as_they_are(self, desk: Desk) -> None:
        texts = detections(range(3))
        desk.deliver(texts)
        assert [one.entry for one in desk.vendors.detections] == [json.loads(text) for text in texts]

    def test_no_detections_send_no_request(self, desk: Desk) -> None:
        result = desk.deliver([])
        assert (result.tally.records_in, desk.posts) == (0, [])

    def test_organizations_are_sent(self, desk: Desk) -> None:
        desk.organization_ids = (SUB_ORGANIZATION,)
        desk.deliver(detections(range(1)))
        assert [one.organizations for one in desk.vendors.detections] == [(SUB_ORGANIZATION,)]

    def test_more_than_a_group_of_batches_arrives(self, desk: Desk) -> None:
        desk.batch_size = 1
        desk.deliver(detections(range(delivery.BATCHES_PER_GROUP + 3)))
        assert desk.ids == ids(range(delivery.BATCHES_PER_GROUP + 3))

    def test_nothing_is_left_in_staging_but_the_input(self, desk: Desk) -> None:
        result = desk.deliver(detections(range(2)))
        assert result.side_artifacts == {}
        assert [path.name for path in desk.last_folder.iterdir()] == ["validate.jsonl.zst"]


class TestAgain:
    """Retry, clear, re-run, backfill, overlap."""

    def test_accepted_detections_are_not_sent_again(self, desk: Desk) -> None:
        desk.deliver(detections(range(4)))
        result = desk.deliver(detections(range(4)))
        assert desk.ids == ids(range(4))
        assert result.tally.dropped == {"already_accepted": 4}
        assert (result.tally.records_out, result.extra["batches"]) == (0, 0)

    def test_overlapping_windows_deliver_each_once(self, desk: Desk) -> None:
        for start in range(0, 12, 3):
            desk.deliver(detections(range(start, start + 6)))
        assert desk.ids == ids(range(15))

    def test_a_detection_that_is_twice_in_a_window_is_sent_once(self, desk: Desk) -> None:
        result = desk.deliver([*detections([0, 1]), *detections([1, 2, 0])])
        assert desk.ids == ids(range(3))
        assert result.tally.dropped == {"duplicate": 2}

    def test_a_detection_in_two_groups_is_sent_once(self, desk: Desk) -> None:
        desk.batch_size = 1
        result = desk.deliver(detections([0, *range(1, 25), 0]))
        assert len(desk.ids) == 25
        assert result.tally.dropped == {"duplicate": 1}

    def test_an_event_with_two_indicators_is_two_detections(self, desk: Desk) -> None:
        texts = [detection(0), detection(0, value="203.0.113.9")]
        desk.deliver(texts)
        assert stored(desk.vendors.detections) == expected(texts)

    def test_two_connectors_of_one_destination_each_deliver_their_own(self, desk: Desk) -> None:
        for name in ("acme", "globex", "acme"):
            desk.deliver(detections(range(2)), connector=name)
        assert Counter(desk.ids) == {"event-00000": 2, "event-00001": 2}

    def test_a_retry_continues_where_the_try_stopped(self, desk: Desk) -> None:
        desk.fault("status", status=401, skip=1)
        with pytest.raises(CredentialsError):
            desk.deliver(detections(range(7)), run_id="run")
        result = desk.deliver(detections(range(7)), run_id="run")
        assert desk.posts == [(200, 3), (401, None), (200, 3), (200, 1)]
        assert desk.ids == ids(range(7))
        assert (result.tally.dropped, result.tally.records_out, result.extra["accepted"]) == ({}, 7, 7)


class TestCountedByRun:
    """A run's counts are those of all its tries; the ledger has them."""

    def test_a_try_that_failed_after_sending_counts(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: Deliveries, _limit: int) -> None:
            raise LedgerError("The ledger's database: away.")

        monkeypatch.setattr(Deliveries, "take_waiting", fail)
        with pytest.raises(LedgerError):
            desk.deliver(detections(range(7)), run_id="run")
        monkeypatch.undo()
        result = desk.deliver(detections(range(7)), run_id="run")
        assert (result.extra["accepted"], result.extra["batches"], result.extra["processed"]) == (7, 3, {"ip": 7})
        assert (result.tally.records_out, result.tally.dropped, result.extra["from_waiting"]) == (7, {}, 0)

    def test_a_repeated_detection_is_counted_once_in_any_try(self, desk: Desk) -> None:
        """In one group of batches and in another."""
        desk.batch_size = 1
        texts = [*detections(range(25)), *detections([3, 3, 24])]
        desk.fault("status", status=401, skip=22)
        with pytest.raises(CredentialsError):
            desk.deliver(texts, run_id="run")
        result = desk.deliver(texts, run_id="run")
        assert (result.tally.records_out, result.tally.dropped) == (25, {"duplicate": 3})
        assert result.extra["accepted"] == 25

    def test_detections_of_an_earlier_run_do_not_count(self, desk: Desk) -> None:
        desk.deliver(detections(range(3)))
        result = desk.deliver(detections(range(5)))
        assert (result.extra["accepted"], result.tally.dropped) == (2, {"already_accepted": 3})

    def test_detections_found_by_the_search_count_as_sent(self, desk: Desk) -> None:
        desk.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(3)), run_id="run")
        other = desk.deliver(detections(range(3)), run_id="other")
        assert (other.extra["accepted"], other.tally.dropped) == (0, {"already_accepted": 3})
        result = desk.deliver(detections(range(3)), run_id="run")
        assert (result.extra["accepted"], result.tally.records_out) == (3, 3)

    def test_pending_detections_are_counted_over_tries_too(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver(detections(range(20, 26)))
        desk.allowed = desk.allowed_for_waiting = UNLIMITED
        desk.fault("status", status=401, skip=2)
        with pytest.raises(CredentialsError):
            desk.deliver(detections(range(2)), run_id="run")
        extra = desk.deliver(detections(range(2)), run_id="run").extra
        assert (extra["accepted"], extra["from_waiting"], extra["waiting"]) == (8, 6, 0)


class TestUnknown:
    """The request may have arrived."""

    LOST = ("store_then_drop", "store_then_status", "truncated_json", "empty_body")
    NEVER_ARRIVED = ("drop_connection", "status", "html_200")

    @pytest.mark.parametrize("kind", [*LOST, *NEVER_ARRIVED])
    def test_with_the_search_nothing_is_lost_or_duplicated(self, kind: str, desk: Desk) -> None:
        desk.fault(kind, skip=1)
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(7)), run_id="run")
        assert desk.states(detections(range(7))) == [State.ACCEPTED] * 3 + [State.UNKNOWN] * 3 + [State.PLANNED]
        result = desk.deliver(detections(range(7)), run_id="run")
        assert sorted(filter(None, desk.ids)) == ids(range(7))
        found = 3 if kind in self.LOST else 0
        assert (result.extra["found_by_search"], result.extra["resent_unknown"]) == (found, 3 - found)
        assert desk.states(detections(range(7))) == [State.ACCEPTED] * 7

    @pytest.mark.parametrize("kind", LOST)
    def test_without_it_they_are_sent_again_and_counted(self, kind: str, blind: Desk) -> None:
        blind.fault(kind)
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections(range(4)))
        result = blind.deliver(detections(range(4)))
        assert Counter(blind.ids) == Counter(ids([0, 1, 2]) * 2 + ids([3]))
        assert result.extra["resent_unknown"] == 3

    @pytest.mark.parametrize("kind", [*LOST, *NEVER_ARRIVED])
    def test_they_are_held_if_the_option_says_so(self, kind: str, blind: Desk) -> None:
        blind.policy = "hold"
        blind.fault(kind)
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections(range(4)))
        result = blind.deliver(detections(range(4)))
        assert result.tally.quarantined == {"outcome_unknown": 3}
        assert blind.ids == (ids(range(4)) if kind in self.LOST else ids([3]))
        assert blind.states(detections(range(3))) == [State.UNKNOWN] * 3
        assert held(result) == set(expected(detections(range(3))))

    def test_a_search_that_is_behind_finds_nothing_yet(
        self, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        """A missing hit proves nothing: they are sent again and reported as resent."""
        limits = Limits(recorded_future_per_day=None, recorded_future_search_delay=timedelta(minutes=10))
        with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as slow:
            desk.vendors, desk.client = slow, LIVE.connect(slow.url, session, virtual_time)
            desk.fault("store_then_drop")
            with pytest.raises(UnknownOutcomeError):
                desk.deliver(detections(range(2)))
            result = desk.deliver(detections(range(2)))
            assert desk.ids == ids(range(2)) * 2
        assert result.extra["resent_unknown"] == 2

    @pytest.mark.parametrize("fault", [{"kind": "status"}, {"kind": "html_200"}])
    @pytest.mark.parametrize("policy", ["resend", "hold"])
    def test_a_search_that_is_broken_does_not_block(
        self, policy: Literal["resend", "hold"], fault: dict[str, str], desk: Desk
    ) -> None:
        desk.policy = policy
        desk.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(4)))
        desk.vendors.add_fault("recorded_future", path="/collective-insights/search", count=ATTEMPTS, **fault)
        result = desk.deliver(detections(range(4)))
        assert result.extra["search_could_not_tell"] == 3
        assert result.extra["resent_unknown"] == (3 if policy == "resend" else 0)
        assert result.tally.quarantined == ({} if policy == "resend" else {"outcome_unknown": 3})

    @pytest.mark.parametrize("organization_ids", [(), (SUB_ORGANIZATION,)])
    def test_a_hit_of_another_connector_is_not_ours(self, organization_ids: tuple[str, ...], desk: Desk) -> None:
        desk.organization_ids = organization_ids
        desk.deliver(detections(range(3)), connector="globex")
        desk.fault("drop_connection")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(3)))
        result = desk.deliver(detections(range(3)))
        assert (result.extra["found_by_search"], result.extra["resent_unknown"]) == (0, 3)
        assert Counter(desk.ids) == Counter(ids(range(3)) * 2)

    @pytest.mark.parametrize("theirs", [(), (SUB_ORGANIZATION,), (ORGANIZATION,)])
    def test_ours_beside_that_of_another_connector_is_found(self, theirs: tuple[str, ...], desk: Desk) -> None:
        """This holds also if the other connector's went to another organization."""
        desk.organization_ids = theirs
        desk.deliver(detections(range(3)), connector="globex")
        desk.organization_ids = (SUB_ORGANIZATION,)
        desk.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(3)))
        assert desk.deliver(detections(range(3))).extra["found_by_search"] == 3
        assert Counter(desk.ids) == Counter(ids(range(3)) * 2)

    def test_a_hit_of_another_organization_is_not_ours(self, desk: Desk) -> None:
        """None of our ledgers knows who stored it."""
        others = Submission(detections(range(3)), Counter(ip=3), debug=False, organization_ids=(ORGANIZATION,))
        submit(desk.client, others)
        desk.organization_ids = (SUB_ORGANIZATION,)
        desk.fault("drop_connection")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(3)))
        assert desk.deliver(detections(range(3))).extra["found_by_search"] == 0

    def test_a_run_counts_the_resends_of_all_its_tries(self, blind: Desk) -> None:
        """This includes the try that failed after a resend."""
        blind.unknown_resends = 2
        blind.fault("store_then_drop")
        blind.fault("store_then_drop", skip=1)
        for _ in range(2):
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections(range(6)), run_id="run")
        result = blind.deliver(detections(range(6)), run_id="run")
        twice = stored(blind.vendors.detections) - expected(detections(range(6)))
        assert twice.total() == result.extra["resent_unknown"] == 6

    def test_lost_twice_is_counted_twice(self, blind: Desk) -> None:
        blind.unknown_resends = 2
        blind.fault("store_then_drop", count=2)
        for _ in range(2):
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections(range(1)), run_id="run")
        assert blind.deliver(detections(range(1)), run_id="run").extra["resent_unknown"] == 2
        assert blind.ids == ids([0]) * 3

    def test_a_429_in_between_keeps_them_unknown(self, blind: Desk) -> None:
        blind.fault("store_then_drop")
        blind.fault("status", status=429, headers={"Retry-After": "3600"})
        for error in (UnknownOutcomeError, RateLimitedError):
            with pytest.raises(error):
                blind.deliver(detections(range(2)), run_id="run")
        assert blind.states(detections(range(2))) == [State.UNKNOWN] * 2
        assert blind.deliver(detections(range(2)), run_id="run").extra["resent_unknown"] == 2

    def test_a_bad_one_among_them_is_quarantined(self, blind: Desk) -> None:
        texts = [*detections([0]), detection(1, value=NO_ADDRESS)]
        blind.fault("drop_connection")
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(texts, run_id="run")
        result = blind.deliver(texts, run_id="run")
        assert (result.tally.quarantined, result.extra["resent_unknown"]) == ({"rejected_by_api": 1}, 1)

    def test_a_batch_too_large_still_counts_as_resent(self, blind: Desk) -> None:
        blind.fault("store_then_drop")
        blind.fault("status", status=413)
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections(range(3)), run_id="run")
        assert blind.deliver(detections(range(3)), run_id="run").extra["resent_unknown"] == 3


def test_every_code_has_its_words() -> None:
    assert set(DROP_REASONS) == {"already_accepted", "duplicate"}
    assert set(ISSUES) == {"rejected_by_api", "outcome_unknown"}
    assert all(words.endswith(".") for words in (*DROP_REASONS.values(), *ISSUES.values()))


def test_a_token_is_in_no_error_and_no_side_artifact(desk: Desk) -> None:
    desk.fault("status", status=400, body={"message": f"bad token {RECORDED_FUTURE_TOKEN}"}, count=9)
    with pytest.raises(CollectiveInsightsError) as caught:
        desk.deliver(detections(range(2)))
    assert RECORDED_FUTURE_TOKEN not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_message_with_nul_does_not_fail(desk: Desk) -> None:
    desk.fault("status", status=413, body='{"message": "too\\u0000 large \\ud800"}')
    result = desk.deliver(detections(range(1)))
    assert result.tally.quarantined == {"rejected_by_api": 1}
