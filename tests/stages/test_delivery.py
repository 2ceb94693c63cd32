"""Exact delivery, with the simulator as the API and a real PostgreSQL as the ledger."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
import requests
from sqlalchemy import URL, Engine, text

from ci_operators.core.errors import (
    AccountingError,
    CollectiveInsightsError,
    ConfigurationError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    RetriableError,
    UnavailableError,
    UnknownOutcomeError,
    UnreachableError,
)
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.deliveries import Deliveries, Known
from ci_operators.ledger.row import read_row
from ci_operators.ledger.tables import State
from ci_operators.ledger.version import NEEDED_VERSION
from ci_operators.recorded_future.api import Submission, submit
from ci_operators.stages import delivery
from ci_operators.stages.delivery import DROP_REASONS, ISSUES, MISMATCH, Rules, deliver_once
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.transport.client import ATTEMPTS, JSON_TYPE, Answer, Client
from simulator import Limits, Simulator, serve
from simulator.settings import (
    ORGANIZATION,
    RECORDED_FUTURE_TOKEN,
    RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH,
    SUB_ORGANIZATION,
)
from tests.faults.line import UNLIMITED, check_staging, expected, held, read_all, stored
from tests.ledger.outage import throw_out
from tests.ledger.samples import NO_ADDRESS, detection, detections, stage
from tests.ledger.waiters import wait_until_somebody_waits
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

DETECTIONS = "/collective-insights/detections"


@dataclass
class Desk:
    """Delivers windows of detections of a connector, three in a batch."""

    engine: Engine
    folder: Path
    client: Client
    vendors: Simulator
    time: VirtualTime
    policy: Literal["resend", "hold"] = "resend"
    organization_ids: tuple[str, ...] = ()
    batch_size: int = 3
    allowed: int = UNLIMITED
    allowed_for_waiting: int = UNLIMITED
    send_transient_id: bool = False
    lock_patience_s: int = 0
    runs: int = 0
    last_folder: Path = field(default_factory=Path)

    def deliver(
        self, texts: Iterable[bytes], *, connector: str = "acme", run_id: str = "", client: Client | None = None
    ) -> StageResult:
        """Deliver a window's detections in a run of their own."""
        self.runs += 1
        self.last_folder = self.folder / f"{connector}-{self.runs}"
        rules = Rules(
            Terms(self.organization_ids, self.batch_size),
            self.policy,
            self.allowed,
            self.allowed_for_waiting,
            self.send_transient_id,
            self.lock_patience_s,
        )
        sender = client or self.client
        with open_connection(self.engine) as connection:
            deliveries = Deliveries(connection, connector, run_id or f"run-{self.runs}", "rf", today=self.today)
            source = stage(self.last_folder, texts)
            look_up = look_up_with(sender, deliveries, self.organization_ids)
            return deliver_once(sender, source, self.last_folder, rules, deliveries, look_up)

    def today(self) -> date:
        return self.time.instant.date()

    def known(self, texts: Iterable[bytes], connector: str = "acme") -> list[Known | None]:
        """Return what the ledger knows of detections."""
        found = [read_row(connector, text) for text in texts]
        with open_connection(self.engine) as connection:
            known = Deliveries(connection, connector, "looking", "rf").find(found)
        return [known.get(row.key) for row in found]

    def states(self, texts: Iterable[bytes]) -> list[State | None]:
        return [None if known is None else known.state for known in self.known(texts)]

    def fault(self, kind: str, **members: Any) -> None:
        """Program a fault of submissions."""
        self.vendors.add_fault("recorded_future", kind, path=DETECTIONS, **members)

    @property
    def posts(self) -> list[tuple[int | None, int | None]]:
        """Status and number of detections of each live submission."""
        live = [entry for entry in self.vendors.requests if entry.path == DETECTIONS and entry.debug is not True]
        return [(entry.status, entry.entries) for entry in live]

    @property
    def ids(self) -> list[str | None]:
        """What is stored, in order."""
        return [one.incident_id for one in self.vendors.detections]


@pytest.fixture
def desk(
    ledger_engine: Engine, tmp_path: Path, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> Desk:
    """A desk whose token may search."""
    return Desk(ledger_engine, tmp_path, LIVE.connect(vendors.url, session, virtual_time), vendors, virtual_time)


@pytest.fixture
def blind(desk: Desk, session: NotingSession) -> Desk:
    """The same desk with a token that may not."""
    desk.client = LIVE.connect(desk.vendors.url, session, desk.time, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH)
    return desk


@dataclass
class FussyClient(Client):
    """A client whose API refuses, undocumented, more than `most` entries with 400."""

    most: int = 3

    def send(
        self, method: str, path: str, params: Any = None, body: bytes | None = None, content_type: str = JSON_TYPE
    ) -> Answer:
        if path == DETECTIONS and len(json.loads(body or b"")["data"]) > self.most:
            raise RequestRefusedError("Recorded Future answered 400 (too many entries).", status=400)
        return super().send(method, path, params, body, content_type)


def quarantined(result: StageResult) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in read_all(result.side_artifacts.get("quarantined"))]


def ids(numbers: Iterable[int]) -> list[str]:
    return [f"event-{number:05d}" for number in numbers]


class TestPlainDelivery:
    """Nothing goes wrong."""

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
            "waiting_quarantined": 0, "unknown_from_earlier_tries": 0,
        }  # fmt: skip

    def test_texts_arrive_as_they_are(self, desk: Desk) -> None:
        texts = detections(range(3))
        desk.deliver(texts)
        assert [one.entry for one in desk.vendors.detections] == [json.loads(text) for text in texts]

    def test_nothing_is_sent_for_nothing(self, desk: Desk) -> None:
        result = desk.deliver([])
        assert (result.tally.records_in, desk.posts) == (0, [])

    def test_organisations_go_along(self, desk: Desk) -> None:
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

    def test_what_is_accepted_is_not_sent_again(self, desk: Desk) -> None:
        desk.deliver(detections(range(4)))
        result = desk.deliver(detections(range(4)))
        assert desk.ids == ids(range(4))
        assert result.tally.dropped == {"already_accepted": 4}
        assert (result.tally.records_out, result.extra["batches"]) == (0, 0)

    def test_overlapping_windows_deliver_each_once(self, desk: Desk) -> None:
        for start in range(0, 12, 3):
            desk.deliver(detections(range(start, start + 6)))
        assert desk.ids == ids(range(15))

    def test_a_detection_that_stands_twice_in_a_window_is_sent_once(self, desk: Desk) -> None:
        result = desk.deliver([*detections([0, 1]), *detections([1, 2, 0])])
        assert desk.ids == ids(range(3))
        assert result.tally.dropped == {"duplicate": 2}

    def test_twice_over_two_groups_is_twice_too(self, desk: Desk) -> None:
        desk.batch_size = 1
        result = desk.deliver(detections([0, *range(1, 25), 0]))
        assert len(desk.ids) == 25
        assert result.tally.dropped == {"already_accepted": 1}

    def test_an_event_with_two_indicators_is_two_detections(self, desk: Desk) -> None:
        texts = [detection(0), detection(0, value="203.0.113.9")]
        desk.deliver(texts)
        assert stored(desk.vendors.detections) == expected(texts)

    def test_two_connectors_of_one_destination_each_deliver_their_own(self, desk: Desk) -> None:
        for name in ("acme", "globex", "acme"):
            desk.deliver(detections(range(2)), connector=name)
        assert Counter(desk.ids) == {"event-00000": 2, "event-00001": 2}

    def test_a_try_that_stopped_goes_on_where_it_stopped(self, desk: Desk) -> None:
        desk.fault("status", status=401, skip=1)
        with pytest.raises(CredentialsError):
            desk.deliver(detections(range(7)), run_id="run")
        result = desk.deliver(detections(range(7)), run_id="run")
        assert desk.posts == [(200, 3), (401, None), (200, 3), (200, 1)]
        assert desk.ids == ids(range(7))
        assert (result.tally.dropped, result.extra["accepted"]) == ({"already_accepted": 3}, 4)


class TestRefusals:
    """400 and 413: what the API refuses is quarantined, the rest delivered."""

    def test_the_bad_ones_are_quarantined_with_the_apis_message(self, desk: Desk) -> None:
        texts = [detection(0), detection(1, value=NO_ADDRESS), *detections([2, 3])]
        result = desk.deliver(texts)
        assert desk.ids == ids([0, 2, 3])
        (entry,) = quarantined(result)
        assert (entry["issue"], entry["event_id"]) == ("rejected_by_api", "event-00001")
        assert "Recorded Future answered 400 (data[0].ioc.value: not a valid ip)" in entry["detail"]
        assert entry["record"] == json.loads(texts[1])
        assert result.tally.quarantined == {"rejected_by_api": 1}
        assert desk.states(texts) == [State.ACCEPTED, State.REJECTED, State.ACCEPTED, State.ACCEPTED]

    @pytest.mark.parametrize("bad", [{0}, {0, 1, 2}, {2, 3}, {0, 1, 2, 3, 4, 5, 6}, {6}])
    def test_wherever_they_stand(self, bad: set[int], desk: Desk) -> None:
        texts = [detection(number, value=NO_ADDRESS if number in bad else None) for number in range(7)]
        result = desk.deliver(texts)
        assert desk.ids == ids(number for number in range(7) if number not in bad)
        assert result.tally.quarantined == {"rejected_by_api": len(bad)}

    def test_they_are_not_asked_about_again_and_keep_their_message(self, desk: Desk) -> None:
        text = detection(0, value=NO_ADDRESS)
        (first,) = quarantined(desk.deliver([text]))
        desk.vendors.clear_requests()
        (second,) = quarantined(desk.deliver([text]))
        assert desk.vendors.requests == []
        assert second == first

    def test_a_retry_makes_the_artifact_again(self, desk: Desk) -> None:
        """The first try found the bad one and died later."""
        texts = [detection(0, value=NO_ADDRESS), *detections(range(1, 6))]
        desk.fault("status", status=403, skip=4)
        with pytest.raises(CredentialsError):
            desk.deliver(texts, run_id="run")
        assert [path.name for path in desk.last_folder.iterdir()] == ["validate.jsonl.zst"], "half an artifact"
        (entry,) = quarantined(desk.deliver(texts, run_id="run"))
        assert "not a valid ip" in entry["detail"]
        assert desk.ids == ids(range(1, 6))

    @pytest.mark.parametrize("size", [1, 2, 4])
    def test_a_wrong_request_is_not_blamed_on_detections(self, size: int, desk: Desk) -> None:
        desk.organization_ids = ("no organisation",)
        with pytest.raises(RequestRefusedError, match="must start with uhash:"):
            desk.deliver(detections(range(size)))
        assert set(desk.states(detections(range(size)))) == {State.PLANNED}
        desk.organization_ids = ()
        desk.deliver(detections(range(size)))
        assert desk.ids == ids(range(size))

    def test_a_batch_too_large_is_halved_until_it_fits(self, desk: Desk) -> None:
        desk.batch_size = 8
        desk.fault("status", status=413, count=3)
        desk.deliver(detections(range(8)))
        assert desk.posts == [(413, None), (413, None), (413, None), (200, 1), (200, 1), (200, 2), (200, 4)]
        assert desk.ids == ids(range(8))

        assert desk.deliver([]).extra["split"] == 0

    def test_a_batch_with_too_many_is_halved_until_it_fits(self, desk: Desk) -> None:
        """Nobody documents a maximum of entries: 400, and each half is taken."""
        desk.batch_size = 8
        desk.client = FussyClient(**vars(desk.client))
        result = desk.deliver(detections(range(8)))
        assert desk.ids == ids(range(8))
        assert (result.extra["split"], result.extra["accepted"], result.tally.quarantined) == (3, 8, {})

    def test_bad_ones_among_too_many_are_quarantined(self, desk: Desk) -> None:
        desk.batch_size = 8
        desk.client = FussyClient(**vars(desk.client))
        texts = [detection(number, value=NO_ADDRESS if number == 5 else None) for number in range(8)]
        result = desk.deliver(texts)
        assert sorted(filter(None, desk.ids)) == ids([0, 1, 2, 3, 4, 6, 7])
        assert result.tally.quarantined == {"rejected_by_api": 1}

    def test_what_a_live_run_alone_refuses_stops_it(self, desk: Desk) -> None:
        desk.fault("status", status=400)
        with pytest.raises(RequestRefusedError):
            desk.deliver(detections(range(1)))
        assert desk.states(detections(range(1))) == [State.PLANNED]

    def test_one_that_is_too_large_alone_is_quarantined(
        self, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        huge = detection(1, event_id="x" * 3000)
        limits = Limits(recorded_future_per_day=None, recorded_future_max_body=2000)
        with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as strict:
            desk.vendors, desk.client = strict, LIVE.connect(strict.url, session, virtual_time)
            result = desk.deliver([detection(0), huge, detection(2)])
            assert desk.ids == ids([0, 2])
        assert result.tally.quarantined == {"rejected_by_api": 1}
        assert "413" in quarantined(result)[0]["detail"]
        assert desk.states([huge]) == [State.REJECTED]

    def test_the_budget_of_what_was_refused_is_given_back(self, desk: Desk) -> None:
        desk.allowed = 3
        result = desk.deliver([detection(0, value=NO_ADDRESS), *detections(range(1, 4))])
        assert desk.ids == ids([1, 2, 3])
        assert result.extra["waiting"] == 0

    @pytest.mark.parametrize(
        ("status", "error"), [(401, CredentialsError), (403, CredentialsError), (404, RequestRefusedError)]
    )
    def test_what_no_detection_is_to_blame_for_stops_the_run(
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

    def test_a_host_that_nobody_answers_at_has_stored_nothing(
        self, desk: Desk, session: NotingSession, virtual_time: VirtualTime
    ) -> None:
        with pytest.raises(UnreachableError):
            desk.deliver(detections(range(3)), client=LIVE.connect("http://127.0.0.1:1", session, virtual_time))
        assert desk.states(detections(range(3))) == [State.PLANNED] * 3
        assert desk.deliver(detections(range(3))).extra["resent_unknown"] == 0


class TestMismatch:
    """The API counts other detections than were sent: some may be lost, none may come twice."""

    def test_what_is_not_found_is_held_and_never_sent_by_itself(self, blind: Desk) -> None:
        blind.fault("wrong_counts", skip=1)
        with pytest.raises(AccountingError, match="counts 2 ip processed, sent were 3 ip"):
            blind.deliver(detections(range(7)))
        assert [known and known.note for known in blind.known(detections([3]))] == [MISMATCH]
        for _ in range(3):
            result = blind.deliver(detections(range(7)))
            assert result.tally.quarantined == {"outcome_unknown": 3}
        assert blind.ids == ids(range(7))
        assert held(result) == set(expected(detections(range(3, 6))))
        assert {entry["detail"] for entry in quarantined(result)} == {MISMATCH}

    def test_what_the_search_finds_is_accepted(self, desk: Desk) -> None:
        desk.fault("wrong_counts")
        with pytest.raises(AccountingError):
            desk.deliver(detections(range(3)))
        result = desk.deliver(detections(range(3)))
        assert result.extra["found_by_search"] == 3
        assert result.tally.dropped == {"already_accepted": 3}
        assert desk.ids == ids(range(3))

    def test_an_answer_to_another_question_is_one(self, blind: Desk) -> None:
        body = {"result": {"status": "OK", "debug": True, "summary": {"processed": {"ip": 3}}}}
        blind.fault("status", status=200, body=body)
        with pytest.raises(AccountingError, match="answered debug=True"):
            blind.deliver(detections(range(3)))
        assert blind.deliver(detections(range(3))).tally.quarantined == {"outcome_unknown": 3}


class TestUnknown:
    """The request may have arrived."""

    LOST = ("store_then_drop", "store_then_status", "truncated_json", "empty_body")
    NEVER_ARRIVED = ("drop_connection", "status", "html_200")

    @pytest.mark.parametrize("kind", [*LOST, *NEVER_ARRIVED])
    def test_with_the_search_nothing_is_lost_or_there_twice(self, kind: str, desk: Desk) -> None:
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
    def test_or_held_as_the_connector_says(self, kind: str, blind: Desk) -> None:
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
        """No hit proves nothing: they are sent again, and said to be."""
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
    def test_what_another_connector_has_stored_is_not_ours(self, organization_ids: tuple[str, ...], desk: Desk) -> None:
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
        """Also when theirs went to another organisation."""
        desk.organization_ids = theirs
        desk.deliver(detections(range(3)), connector="globex")
        desk.organization_ids = (SUB_ORGANIZATION,)
        desk.fault("store_then_drop")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(3)))
        assert desk.deliver(detections(range(3))).extra["found_by_search"] == 3
        assert Counter(desk.ids) == Counter(ids(range(3)) * 2)

    def test_another_organisations_is_not_ours(self, desk: Desk) -> None:
        """Whoever stored it: no ledger of ours knows."""
        others = Submission(detections(range(3)), Counter(ip=3), debug=False, organization_ids=(ORGANIZATION,))
        submit(desk.client, others)
        desk.organization_ids = (SUB_ORGANIZATION,)
        desk.fault("drop_connection")
        with pytest.raises(UnknownOutcomeError):
            desk.deliver(detections(range(3)))
        assert desk.deliver(detections(range(3))).extra["found_by_search"] == 0

    def test_a_run_tells_what_all_of_its_tries_have_sent_again(self, blind: Desk) -> None:
        """Also the try that died after it had sent something again."""
        blind.fault("store_then_drop")
        blind.fault("store_then_drop", skip=1)
        for _ in range(2):
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections(range(6)), run_id="run")
        result = blind.deliver(detections(range(6)), run_id="run")
        twice = stored(blind.vendors.detections) - expected(detections(range(6)))
        assert twice.total() == result.extra["resent_unknown"] == 6

    def test_lost_three_times_is_counted_three_times(self, blind: Desk) -> None:
        blind.fault("store_then_drop", count=3)
        for _ in range(3):
            with pytest.raises(UnknownOutcomeError):
                blind.deliver(detections(range(1)), run_id="run")
        assert blind.deliver(detections(range(1)), run_id="run").extra["resent_unknown"] == 3
        assert blind.ids == ids([0]) * 4

    def test_a_429_in_between_does_not_make_them_fresh(self, blind: Desk) -> None:
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

    def test_too_large_a_batch_of_them_stays_said_to_be_sent_again(self, blind: Desk) -> None:
        blind.fault("store_then_drop")
        blind.fault("status", status=413)
        with pytest.raises(UnknownOutcomeError):
            blind.deliver(detections(range(3)), run_id="run")
        assert blind.deliver(detections(range(3)), run_id="run").extra["resent_unknown"] == 3


class TestBudget:
    """A day's limit, ours and the API's."""

    def test_what_is_over_the_limit_waits_and_comes_by_itself(self, desk: Desk) -> None:
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
        """A backfill of many days never starves what is detected now."""
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

    def test_the_apis_own_limit_is_one(self, desk: Desk, session: NotingSession, virtual_time: VirtualTime) -> None:
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

    def test_a_batch_above_the_limit_does_not_wait_for_ever(self, desk: Desk) -> None:
        desk.batch_size, desk.allowed, desk.allowed_for_waiting = 10, 4, 2
        desk.deliver(detections(range(8)))
        assert desk.ids == ids(range(8))[:4]
        for _ in range(2):
            desk.time.sleep(86_400)
            desk.deliver([])
        assert desk.ids == ids(range(8))

    def test_no_share_at_all_waits_and_says_so(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        assert desk.deliver(detections(range(2))).extra["waiting"] == 2
        assert desk.ids == []

    def test_unknown_ones_that_must_wait_stay_unknown(self, blind: Desk) -> None:
        """Else a day later they would be sent as if nothing had been."""
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
        (entry,) = quarantined(result)
        assert (entry["issue"], desk.ids) == ("rejected_by_api", ids([0]))
        assert (result.extra["waiting_quarantined"], result.extra["from_waiting"]) == (1, 1)
        assert (result.tally.records_in, result.tally.quarantined) == (0, {})

    def test_what_is_put_off_again_is_not_counted_as_sent(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver(detections(range(4)))
        result = desk.deliver([])
        assert (result.extra["from_waiting"], result.extra["put_off_again"], result.extra["waiting"]) == (0, 3, 0)
        desk.allowed_for_waiting = 3
        result = desk.deliver([])
        assert (result.extra["from_waiting"], result.extra["put_off_again"]) == (3, 1)

    def test_what_waits_is_read_again_and_then_sent_does_not_wait(self, desk: Desk) -> None:
        """The overlap reads them again; by the same run their turn comes."""
        desk.allowed = desk.allowed_for_waiting = 0
        desk.deliver(detections(range(7)))
        desk.allowed = desk.allowed_for_waiting = 3
        result = desk.deliver(detections(range(2, 7)))
        assert (result.extra["from_waiting"], result.extra["waiting"]) == (3, 4)
        desk.time.sleep(86_400)
        desk.allowed = desk.allowed_for_waiting = UNLIMITED
        result = desk.deliver(detections(range(2, 7)))
        assert (result.extra["from_waiting"], result.extra["waiting"], result.extra["put_off_again"]) == (4, 0, 0)


class TestTransientIds:
    """The answer may name what was dropped."""

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

    def test_none_does_if_it_is_off(self, desk: Desk, session: NotingSession) -> None:
        texts = detections(range(2))
        desk.deliver(texts)
        assert b",".join(texts) in (session.sent[-1].body or b"")

    @pytest.mark.parametrize("processed", [2, 3])
    def test_those_named_are_quarantined_and_the_rest_accepted(self, processed: int, desk: Desk) -> None:
        desk.send_transient_id = True
        texts = detections(range(3))
        self.answer(desk, processed, [{"transient_id": self.names(texts)[1], "reason": "too old"}])
        result = desk.deliver(texts)
        (entry,) = quarantined(result)
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


class TestAtOnce:
    """Several processes, one ledger."""

    def test_a_second_run_waits_for_the_first(self, desk: Desk) -> None:
        with open_connection(desk.engine) as connection:
            Deliveries(connection, "acme", "other", "rf").lock()
            with pytest.raises(RetriableError, match="Another run of acme is submitting"):
                desk.deliver(detections(range(2)))
            assert desk.deliver(detections(range(2)), connector="globex").extra["accepted"] == 2
        assert desk.deliver(detections(range(2))).extra["accepted"] == 2

    def test_a_patient_run_goes_on_when_the_first_has_ended(self, desk: Desk) -> None:
        """A live run beside a backfill need not come again later, and find another one there."""
        desk.lock_patience_s = 60
        with open_connection(desk.engine) as connection, ThreadPoolExecutor() as pool:
            Deliveries(connection, "acme", "other", "rf").lock()
            found = pool.submit(desk.deliver, detections(range(2)))
            wait_until_somebody_waits(connection)
            assert not found.done()
            connection.close()
            assert found.result(60).extra["accepted"] == 2

    def test_what_waited_for_a_migration_does_not_send_by_the_schema_before_it(self, desk: Desk) -> None:
        desk.lock_patience_s = 60
        with open_connection(desk.engine) as connection, ThreadPoolExecutor() as pool:
            Deliveries(connection, "acme", "migration", "rf").lock()
            found = pool.submit(desk.deliver, detections(range(2)))
            wait_until_somebody_waits(connection)
            try:
                with connection.begin():
                    connection.execute(text("UPDATE ledger_version SET version_num = '9999'"))
                connection.close()
                with pytest.raises(ConfigurationError, match=r"\(9999\) is newer than this code's"):
                    found.result(60)
            finally:
                with desk.engine.begin() as other:
                    other.execute(text("UPDATE ledger_version SET version_num = :needed"), {"needed": NEEDED_VERSION})
        assert desk.ids == []

    @pytest.mark.parametrize("patience_s", [0, 60])
    def test_runs_at_once_send_each_detection_once(self, desk: Desk, patience_s: int) -> None:
        """Four runs of one connector over overlapping windows, each tried again until it is through."""
        desk.lock_patience_s = patience_s
        windows = [range(0, 20), range(10, 30), range(0, 30), range(25, 40)]
        found = self._run_at_once(desk, [("acme", window) for window in windows])
        assert sum(result.extra["accepted"] for result in found) == 40
        assert stored(desk.vendors.detections) == expected(detections(range(40)))

    def test_connectors_at_once_share_the_budget(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 20
        found = self._run_at_once(desk, [(f"connector-{number}", range(12)) for number in range(4)])
        accepted = sum(result.extra["accepted"] for result in found)
        assert accepted == len(desk.ids) <= 20
        assert accepted + sum(result.extra["waiting"] for result in found) == 48
        assert accepted > 20 - desk.batch_size

    def _run_at_once(self, desk: Desk, orders: list[tuple[str, range]]) -> list[StageResult]:
        begin, found = threading.Barrier(len(orders)), list[StageResult | BaseException]()

        def work(number: int, connector: str, window: range) -> None:
            own = Desk(desk.engine, desk.folder / str(number), desk.client, desk.vendors, desk.time)
            own.allowed, own.allowed_for_waiting = desk.allowed, desk.allowed_for_waiting
            own.lock_patience_s = desk.lock_patience_s
            begin.wait(30)
            with requests.Session() as session:
                client = LIVE.connect(desk.vendors.url, session, desk.time)
                try:
                    found.append(self._until_it_is_through(own, connector, window, client))
                except BaseException as err:
                    found.append(err)

        threads = [threading.Thread(target=work, args=(number, *order)) for number, order in enumerate(orders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        results = [result for result in found if isinstance(result, StageResult)]
        assert len(results) == len(orders), found
        return results

    def _until_it_is_through(self, desk: Desk, connector: str, window: range, client: Client) -> StageResult:
        while True:
            try:
                return desk.deliver(detections(window), connector=connector, client=client)
            except RetriableError as err:
                if "is submitting" not in str(err):
                    raise


class TestLedgerAway:
    """The database goes in between: nothing is sent that it does not know of."""

    @pytest.mark.parametrize("after", range(1, 12))
    def test_wherever_it_goes_the_next_try_is_exact(self, after: int, desk: Desk, ledger_url: URL) -> None:
        calls = 0

        class Fragile(Deliveries):
            """Loses its connection before one of its calls."""

            def __getattribute__(self, name: str) -> Any:
                nonlocal calls
                if name in CALLS:
                    calls += 1
                    if calls == after:
                        throw_out(ledger_url)
                return super().__getattribute__(name)

        def deliver(kind: Callable[..., Deliveries], engine: Engine) -> StageResult:
            folder = desk.folder / "run"
            rules = Rules(Terms((), 3), "resend", UNLIMITED, UNLIMITED)
            with open_connection(engine) as connection:
                deliveries = kind(connection, "acme", "run", "rf")
                source = stage(folder, detections(range(9)))
                return deliver_once(desk.client, source, folder, rules, deliveries, look_up_with(desk.client))

        with pytest.raises(UnavailableError, match="The ledger's database: "):
            deliver(Fragile, desk.engine)
        check_staging(desk.folder / "run")
        deliver(Deliveries, make_engine(ledger_url))
        assert stored(desk.vendors.detections) == expected(detections(range(9)))


CALLS = ("lock", "recover", "find", "plan", "reserve", "accept", "take_waiting", "count_resent")


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


def test_a_message_with_nul_is_no_reason_to_fail(desk: Desk) -> None:
    desk.fault("status", status=413, body='{"message": "too\\u0000 large \\ud800"}')
    result = desk.deliver(detections(range(1)))
    assert result.tally.quarantined == {"rejected_by_api": 1}
