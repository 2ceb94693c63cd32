"""The ledger's session ends at any instant of a delivery, and another run takes over or the same one continues."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from ci_operators.core.errors import LedgerError, UnknownOutcomeError
from ci_operators.ledger import comparison
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.comparison import Kept
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.overview import count_since, find_id
from ci_operators.ledger.tables import State
from ci_operators.stages import stored as stages_stored
from ci_operators.stages.run import StageResult
from tests.faults.line import UNLIMITED, Identity, expected, find_held, stored
from tests.ledger.outage import LostSession, throw_out
from tests.ledger.rollups import check_rollups
from tests.ledger.samples import NO_ADDRESS, detection, detections, rows
from tests.stages.desk import Desk

#: A window with a refused and a repeated detection, and earlier pending ones, one of them bad.
GOOD = detections(range(6))
WINDOW = [*GOOD[:5], detection(90, value=NO_ADDRESS), *GOOD[5:], GOOD[2]]
WAITING = [*detections([20, 21]), detection(91, value=NO_ADDRESS), *detections([22])]
KEPT = [*WAITING[:2], WAITING[3]]
WANTED = expected([*GOOD, *KEPT])
#: Each of the long ones takes a minute, or more on a busy machine.
pytestmark = pytest.mark.timeout(900)
#: The minimum number of instants of a delivery.
MANY = 70

#: Each resend of a detection, with its event.
_RESENT = text(
    """
    SELECT d.event_id, b.resends FROM batch b JOIN connector c ON c.id = b.connector_id
    JOIN detection d ON d.batch_id = b.id
    WHERE c.name = :name AND b.resends > 0 AND b.reserved_at IS NOT NULL
    """
)
_ACCEPTED = text(
    """
    SELECT count(*) FROM detection d JOIN batch b ON b.id = d.batch_id JOIN connector c ON c.id = b.connector_id
    WHERE c.name = :name AND coalesce(d.state, b.state) = 2
    """
)


@dataclass
class Story:
    """A run that lost an answer in its first try; the fault hits its second try."""

    desk: Desk
    name: str
    resent: int = 0

    def prepare(self) -> None:
        """Leave detections that wait for budget, and a batch whose outcome is unknown."""
        self.desk.vendors.reset()
        self.desk.vendors.clear_faults()
        self._deliver(WAITING, "before", allowed=0, late=0)
        self.desk.fault("store_then_drop", skip=1)
        with pytest.raises(UnknownOutcomeError):
            self._deliver(WINDOW, "run", late=0)

    def strike(self, session: LostSession) -> StageResult:
        """Do the second try, watched, then further tries until everything is settled."""
        results = dict[str, StageResult]()
        try:
            results["run"] = self._deliver(WINDOW, "run", late=9, session=session)
            assert session.nth == 0 or session.nth > session.passed, "its session has ended, and it has not noticed"
        except LedgerError:
            results["run"] = self._deliver(WINDOW, "run", late=9)
        self._deliver(WINDOW, "after")
        return results["run"]

    def take_over(self) -> None:
        """Deliver the same window in another run."""
        self._deliver(WINDOW, "other", late=9)

    def _deliver(
        self,
        texts: list[bytes],
        run_id: str,
        *,
        allowed: int = UNLIMITED,
        late: int = UNLIMITED,
        session: LostSession | None = None,
    ) -> StageResult:
        desk = replace(self.desk, destination=self.name, allowed=allowed, allowed_for_waiting=late)
        desk.folder = self.desk.folder / self.name / f"{run_id}-{self.desk.runs}"
        self.desk.runs += 1
        if session is not None:
            desk.watch, desk.engine = session.watch, make_engine(desk.engine.url)
        return desk.deliver(texts, connector=self.name, run_id=run_id)

    def check(self, *, may_search: bool) -> None:
        """Compare the stored detections and the ledger with the expected ones."""
        found = stored(self.desk.vendors.detections)
        twice, missing = found - WANTED, WANTED - found
        with open_connection(self.desk.engine) as connection:
            again = {event_id: int(resends) for event_id, resends in connection.execute(_RESENT, {"name": self.name})}
            accepted = connection.scalar(_ACCEPTED, {"name": self.name})
            connection.rollback()
            number = find_id(connection, self.name) or 0
            counted = count_since(connection, [number], datetime.min.replace(tzinfo=UTC))[number].accepted
            check_rollups(connection)
        assert counted == accepted, "counted are others than are accepted"
        for who, copies in twice.items():
            assert copies <= again.get(who[0], 0), f"{who} is there {copies} times more, reported are {again}"
        assert set(missing) <= find_held(self.desk.engine, self.name), f"{missing} are lost"
        assert not (may_search and twice), f"the search finds all, and yet {twice} are there twice"
        self.check_states(found)

    def check_states(self, found: Counter[Identity]) -> None:
        """Compare the ledger's states with the store."""
        texts = [*GOOD, *KEPT]
        for one, known in zip(texts, self.desk.known(texts, self.name), strict=True):
            assert known is not None
            (who,) = expected([one])
            assert known.state in (State.ACCEPTED, State.UNKNOWN)
            assert known.state is State.UNKNOWN or found[who], f"{who} is accepted, and not there"


def count_instants(desk: Desk) -> int:
    """Return the instants of a second try without a fault."""
    story, session = Story(desk, "count"), LostSession()
    story.prepare()
    story.strike(session)
    story.check(may_search=False)
    return session.passed


@pytest.fixture(params=[True, False], ids=["search", "no search"])
def looking(request: pytest.FixtureRequest, desk: Desk) -> tuple[Desk, bool]:
    """A desk, and whether its token can search."""
    return (desk if request.param else request.getfixturevalue("blind")), request.param


def test_wherever_the_session_ends_the_next_try_is_exact(blind: Desk) -> None:
    strike_everywhere(blind, lambda story: None, may_search=False)


def test_wherever_it_ends_and_another_run_takes_over_delivery_is_exact(looking: tuple[Desk, bool]) -> None:
    desk, may_search = looking
    strike_everywhere(desk, Story.take_over, may_search=may_search)


def strike_everywhere(desk: Desk, meanwhile: Callable[[Story], None], *, may_search: bool) -> None:
    instants = count_instants(desk)
    assert instants >= MANY
    for nth in range(1, instants + 1):
        story = Story(desk, f"lost-{nth}")
        story.prepare()
        session = LostSession(nth, functools.partial(meanwhile, story))
        story.strike(session)
        assert session.passed >= nth
        story.check(may_search=may_search)


class TestReplaced:
    """A run that another one has replaced does not change the other one's work."""

    def test_it_does_not_reserve(self, desk: Desk) -> None:
        with open_connection(desk.engine) as connection, open_connection(desk.engine) as other:
            first = Deliveries(connection, "acme", "first", "rf").lock()
            (batch,) = first.plan([rows([1])], [])
            take_over(first, Deliveries(other, "acme", "second", "rf"))
            with pytest.raises(LedgerError, match="Another run of acme has taken over"):
                first.reserve([batch], UNLIMITED)
        assert desk.states(detections([1])) == [State.PLANNED]

    def test_detections_that_the_new_run_recovered_stay_unknown(self, desk: Desk) -> None:
        with open_connection(desk.engine) as connection, open_connection(desk.engine) as other:
            first = Deliveries(connection, "acme", "first", "rf").lock()
            (batch,) = first.plan([rows([1])], [])
            assert first.reserve([batch], UNLIMITED)
            second = Deliveries(other, "acme", "second", "rf")
            take_over(first, second)
            assert second.recover() == 1
            for step in (
                lambda: first.release(batch),
                lambda: first.put_off(batch),
                lambda: first.plan([rows([1])], [batch.rows[0].key]),
                lambda: first.reject(batch.rows, {batch.rows[0].key: "no"}),
                lambda: first.confirm([batch.rows[0].key]),
                lambda: first.keep("outcome_unknown", batch.rows, {batch.rows[0].key: "no"}),
                lambda: first.forget_waiting(batch.rows),
                first.recover,
            ):
                with pytest.raises(LedgerError, match="has taken over"):
                    step()
        assert desk.states(detections([1])) == [State.UNKNOWN]

    def test_an_acceptance_that_it_received_is_recorded(self, desk: Desk) -> None:
        """Otherwise, it would be sent again."""
        with open_connection(desk.engine) as connection:
            first = Deliveries(connection, "acme", "first", "rf").lock()
            (batch,) = first.plan([rows([1])], [])
            assert first.reserve([batch], UNLIMITED)
            throw_out(desk.engine.url)
            first.accept([batch])
            assert connection.invalidated
            with pytest.raises(LedgerError, match="the session has ended"):
                first.find(rows([1]))
        assert desk.states(detections([1])) == [State.ACCEPTED]

    def test_a_new_lease_waits_for_a_reservation(self, desk: Desk) -> None:
        """The new lease waits for a reservation that has begun, even over another session's snapshot."""
        with open_connection(desk.engine) as connection, open_connection(desk.engine) as other:
            first = Deliveries(connection, "acme", "first", "rf").lock()
            with first.lease.transaction(), other.begin():
                other.execute(text("SET LOCAL lock_timeout = '200ms'"))
                with pytest.raises(Exception, match="lock timeout"):
                    other.execute(text("UPDATE connector SET fence = fence + 1 WHERE name = 'acme'"))

    def test_a_reservation_waits_for_a_new_lease(self, desk: Desk) -> None:
        with open_connection(desk.engine) as connection, open_connection(desk.engine) as other:
            first = Deliveries(connection, "acme", "first", "rf").lock()
            (batch,) = first.plan([rows([1])], [])
            connection.exec_driver_sql("SET lock_timeout = '200ms'")
            connection.commit()
            with other.begin():
                other.execute(text("UPDATE connector SET fence = fence + 1 WHERE name = 'acme'"))
                with pytest.raises(LedgerError, match="lock timeout"):
                    first.reserve([batch], UNLIMITED)


def take_over(first: Deliveries, second: Deliveries) -> None:
    """Let a run take the lease while the first one's session continues, as with a transaction pooler."""
    with first.connection.begin():
        first.connection.execute(text("SELECT pg_advisory_unlock_all()"))
    second.lock()


def test_a_session_lost_during_the_look_up_ends_the_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its error is not treated as one of the search, and nothing more is sent over another session."""
    desk.deliver(detections(range(3)), connector="globex")  # its stored detections are looked up in the ledger
    desk.fault("store_then_drop")
    with pytest.raises(UnknownOutcomeError):
        desk.deliver(detections(range(7)))
    posts, read = len(desk.posts), comparison.read_detected

    def lose_session(connection: Connection, *times: datetime) -> Iterator[Kept]:
        throw_out(desk.engine.url)
        return read(connection, *times)

    monkeypatch.setattr(stages_stored, "read_detected", lose_session)
    with pytest.raises(LedgerError, match="The ledger's database"):
        desk.deliver(detections(range(7)))
    assert "could not tell" not in caplog.text
    assert len(desk.posts) == posts
    monkeypatch.undo()
    assert desk.deliver(detections(range(7))).extra["found_by_search"] == 3
