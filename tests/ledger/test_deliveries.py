"""Each query and update of the ledger by a submitting run, in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, event, text

from ci_operators.core.errors import LedgerError, RetriableError
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.batch import Batch, DeliveryState
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import read_row
from ci_operators.ledger.tables import State
from tests.ledger.outage import throw_out
from tests.ledger.samples import detection, refuse, rows

TODAY = date(2026, 3, 10)
MUCH = 1_000_000


@dataclass
class Calendar:
    """A day that tests can change."""

    day: date = TODAY

    def __call__(self) -> datetime:
        return at(self.day)


def at(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def deliveries(ledger_connection: Connection, calendar: Calendar) -> Deliveries:
    """The ledger of a run of connector acme."""
    return Deliveries(ledger_connection, "acme", "run-1", "rf", now=calendar).lock()


def states(deliveries: Deliveries, numbers: range) -> list[State | None]:
    """Return the state of each detection, None if the ledger does not have it."""
    known, asked = deliveries.find(rows(numbers)), rows(numbers)
    return [known[row.key].state if row.key in known else None for row in asked]


def look(deliveries: Deliveries, statement: str) -> Any:
    """Return the result of a query."""
    with deliveries.connection.begin():
        return deliveries.connection.execute(text(statement)).all()


def spent(deliveries: Deliveries) -> dict[date, int]:
    return dict(map(tuple, look(deliveries, "SELECT day, spent FROM budget")))


def plan_one(deliveries: Deliveries, numbers: range, *, resends: int = 0) -> Batch:
    known = [row.key for row in rows(numbers)] if resends else []
    (batch,) = deliveries.plan([rows(numbers)], known, resends=resends)
    return batch


@contextmanager
def noting_statements(connection: Connection) -> Iterator[list[tuple[str, int]]]:
    """Yield the statements that are sent meanwhile: the first words of each, and how often it is sent."""
    found: list[tuple[str, int]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        words = statement.split()
        found.append((" ".join(words[: 2 if words[0] == "UPDATE" else 3]), len(parameters) if is_many else 1))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(connection, "before_cursor_execute", note)


def test_a_connector_is_known_by_one_number(ledger_connection: Connection) -> None:
    for name in ("acme", "globex", "acme"):
        Deliveries(ledger_connection, name, "run", "rf")
    with ledger_connection.begin():
        assert ledger_connection.scalar(text("SELECT count(*) FROM connector")) == 2


def test_a_new_detection_has_no_state(deliveries: Deliveries) -> None:
    assert deliveries.find(rows(range(3))) == {}
    assert deliveries.find([]) == {}


def test_a_batch_goes_through_its_states(deliveries: Deliveries) -> None:
    batch = plan_one(deliveries, range(3))
    assert states(deliveries, range(4)) == [State.PLANNED] * 3 + [None]
    assert deliveries.reserve([batch], MUCH)
    assert states(deliveries, range(3)) == [State.RESERVED] * 3
    deliveries.accept([batch])
    assert states(deliveries, range(3)) == [State.ACCEPTED] * 3


def test_a_row_is_kept_as_it_is(deliveries: Deliveries) -> None:
    plan_one(deliveries, range(7, 8))
    ((key, event_id, kind, value, at, codes, state, issue),) = look(
        deliveries, "SELECT key, event_id, indicator_type, indicator, detected_at, codes, state, issue FROM detection"
    )
    (row,) = rows([7])
    assert bytes(key) == row.key
    assert (event_id, kind, value, codes) == ("event-00007", "ip", "198.51.0.7", ["T1110.003"])
    assert at.isoformat() == "2026-03-10T11:00:07+00:00"
    assert (state, issue) == (None, None)


@pytest.mark.parametrize(
    "event_id",
    ["a\tb\\N\\.", "line\nbreak\r\n", "\N{FIRE} Zoë 日本語", "'; DROP TABLE detection; --", "x" * 1_000_000, "\\"],
)
def test_odd_ids_are_found_again(event_id: str, deliveries: Deliveries) -> None:
    row = read_row("acme", detection(1, event_id=event_id))
    deliveries.plan([[row]], [])
    assert deliveries.find([row]) == {row.key: DeliveryState(State.PLANNED, None)}
    assert look(deliveries, "SELECT event_id FROM detection") == [(event_id,)]


def test_an_id_with_nul_is_found_again(deliveries: Deliveries) -> None:
    row = read_row("acme", detection(1, event_id="a\0b"))
    deliveries.plan([[row]], [])
    assert set(deliveries.find([row])) == {row.key}


def test_two_connectors_have_separate_detections(deliveries: Deliveries, ledger_connection: Connection) -> None:
    other = Deliveries(ledger_connection, "globex", "run", "rf").lock()
    deliveries.accept([plan_one(deliveries, range(1))])
    assert other.find(rows([0], "globex")) == {}


class TestLock:
    """One run of a connector submits."""

    def test_another_run_is_refused(self, deliveries: Deliveries, ledger_engine: Engine) -> None:
        deliveries.lock()
        deliveries.lock()  # the same run can lock again
        with ledger_engine.connect() as connection:
            with pytest.raises(RetriableError, match=r"^Another run of acme is submitting: this one waits for it\.$"):
                Deliveries(connection, "acme", "run-2", "rf").lock()
            Deliveries(connection, "globex", "run-2", "rf").lock()

    def test_it_is_free_when_the_run_has_ended(self, ledger_engine: Engine) -> None:
        for _ in range(2):
            with ledger_engine.connect() as connection:
                Deliveries(connection, "acme", "run", "rf").lock()

    def test_it_is_free_when_the_connection_has_died(self, ledger_url: URL) -> None:
        with open_connection(make_engine(ledger_url)) as dying:
            Deliveries(dying, "acme", "run-1", "rf").lock()
            throw_out(ledger_url)
            with open_connection(make_engine(ledger_url)) as connection:
                Deliveries(connection, "acme", "run-2", "rf").lock()


class TestRecover:
    """Detections that a dead run reserved may have arrived."""

    def test_reserved_becomes_unknown(self, deliveries: Deliveries) -> None:
        deliveries.reserve([plan_one(deliveries, range(3))], MUCH)
        assert deliveries.recover() == 3
        assert deliveries.recover() == 0
        (known,) = set(deliveries.find(rows(range(3))).values())
        assert known == DeliveryState(State.UNKNOWN, "the task ended before the answer came", by_run=True, by_try=True)

    def test_everything_else_stays(self, deliveries: Deliveries, ledger_connection: Connection) -> None:
        other = Deliveries(ledger_connection, "globex", "run", "rf").lock()
        (theirs,) = other.plan([rows([9], "globex")], [])
        other.reserve([theirs], MUCH)
        plan_one(deliveries, range(1))
        deliveries.accept([plan_one(deliveries, range(1, 2))])
        deliveries.put_off(plan_one(deliveries, range(2, 3)))
        assert deliveries.recover() == 0
        assert states(deliveries, range(3)) == [State.PLANNED, State.ACCEPTED, State.WAITING]
        assert other.find(rows([9], "globex")).popitem()[1].state is State.RESERVED


class TestPlan:
    """Rows are put into batches, and can move between them."""

    def test_batches_keep_their_rows(self, deliveries: Deliveries) -> None:
        batches = deliveries.plan([rows(range(3)), rows(range(3, 5))], [])
        assert [len(batch.rows) for batch in batches] == [3, 2]
        sizes = "SELECT b.size, count(*) FROM batch b JOIN detection d ON d.batch_id = b.id GROUP BY b.id ORDER BY b.id"
        assert look(deliveries, sizes) == [(3, 3), (2, 2)]

    def test_an_empty_plan_writes_nothing(self, deliveries: Deliveries) -> None:
        assert deliveries.plan([], []) == []

    def test_known_rows_move(self, deliveries: Deliveries) -> None:
        old = plan_one(deliveries, range(4))
        refuse(deliveries, rows([3]), "no address")
        (new,) = deliveries.plan([rows([2, 3, 4])], [row.key for row in rows([2, 3])])
        deliveries.accept([new])
        assert states(deliveries, range(5)) == [State.PLANNED] * 2 + [State.ACCEPTED] * 3
        assert new.number != old.number

    def test_a_failed_plan_writes_nothing(self, deliveries: Deliveries) -> None:
        with pytest.raises(LedgerError):
            deliveries.plan([rows([1]), rows([1])], [])
        assert states(deliveries, range(1, 2)) == [None]
        assert look(deliveries, "SELECT 1 FROM batch") == []


class TestReserve:
    """One step settles a batch, spends the budget and reserves the next batch."""

    def test_the_batch_before_is_settled_with_it(self, deliveries: Deliveries) -> None:
        first, second = deliveries.plan([rows([0]), rows([1])], [])
        assert deliveries.reserve([first], MUCH)
        assert deliveries.reserve([second], MUCH, accepted=[first])
        assert states(deliveries, range(2)) == [State.ACCEPTED, State.RESERVED]
        assert spent(deliveries) == {TODAY: 2}

    def test_the_batch_before_is_settled_without_budget_too(self, deliveries: Deliveries) -> None:
        first, second = deliveries.plan([rows([0]), rows([1])], [])
        assert deliveries.reserve([first], 1)
        assert not deliveries.reserve([second], 1, accepted=[first])
        assert states(deliveries, range(2)) == [State.ACCEPTED, State.PLANNED]
        assert spent(deliveries) == {TODAY: 1}

    def test_nothing_of_it_happens_when_the_database_fails(self, ledger_url: URL) -> None:
        with open_connection(make_engine(ledger_url)) as connection:
            deliveries = Deliveries(connection, "acme", "run", "rf").lock()
            first, second = deliveries.plan([rows([0]), rows([1])], [])
            deliveries.reserve([first], MUCH)
            throw_out(ledger_url)
            with pytest.raises(LedgerError):
                deliveries.reserve([second], MUCH, accepted=[first])
        with open_connection(make_engine(ledger_url)) as connection:
            again = Deliveries(connection, "acme", "run", "rf").lock()
            assert states(again, range(2)) == [State.RESERVED, State.PLANNED]

    @pytest.mark.parametrize(("most", "fits"), [(2, False), (3, True), (4, True)])
    def test_the_limit_is_a_limit(self, most: int, fits: bool, deliveries: Deliveries) -> None:
        assert deliveries.reserve([plan_one(deliveries, range(3))], most) is fits

    def test_attempts_are_counted(self, deliveries: Deliveries) -> None:
        batch = plan_one(deliveries, range(1))
        for _ in range(2):
            deliveries.reserve([batch], MUCH)
            deliveries.release(batch)
        assert look(deliveries, "SELECT attempts FROM batch") == [(2,)]


class TestBudget:
    """A destination's daily budget, shared by its connectors."""

    def test_connectors_of_one_destination_share_it(
        self, deliveries: Deliveries, ledger_connection: Connection
    ) -> None:
        other = Deliveries(ledger_connection, "globex", "run", "rf", now=lambda: at(TODAY)).lock()
        elsewhere = Deliveries(ledger_connection, "initech", "run", "rf_2", now=lambda: at(TODAY)).lock()
        assert deliveries.reserve([plan_one(deliveries, range(2))], 3)
        assert not other.reserve([other.plan([rows([1, 2], "globex")], [])[0]], 3)
        assert elsewhere.reserve([elsewhere.plan([rows([1, 2], "initech")], [])[0]], 3)

    def test_release_gives_it_back(self, deliveries: Deliveries) -> None:
        batch = plan_one(deliveries, range(2))
        deliveries.reserve([batch], 2)
        deliveries.release(batch)
        assert states(deliveries, range(2)) == [State.PLANNED] * 2
        assert spent(deliveries) == {TODAY: 0}
        assert deliveries.reserve([batch], 2)

    def test_a_new_day_has_a_new_one(self, deliveries: Deliveries, calendar: Calendar) -> None:
        first, second = deliveries.plan([rows([0, 1]), rows([2, 3])], [])
        assert deliveries.reserve([first], 2)
        assert not deliveries.reserve([second], 2, accepted=[first])
        calendar.day += timedelta(days=1)
        assert deliveries.reserve([second], 2)
        assert spent(deliveries) == {TODAY: 2, TODAY + timedelta(days=1): 2}

    def test_what_is_released_after_midnight_goes_back_to_its_own_day(
        self, deliveries: Deliveries, calendar: Calendar, ledger_connection: Connection
    ) -> None:
        tomorrow = TODAY + timedelta(days=1)
        other = Deliveries(ledger_connection, "globex", "run", "rf", now=lambda: at(tomorrow)).lock()
        other.reserve([other.plan([rows([1, 2], "globex")], [])[0]], MUCH)
        batch = plan_one(deliveries, range(2))
        deliveries.reserve([batch], MUCH)
        calendar.day = tomorrow
        deliveries.release(batch)
        assert spent(deliveries) == {TODAY: 0, tomorrow: 2}

    def test_the_limit_that_the_api_reports_holds_for_its_day(self, deliveries: Deliveries, calendar: Calendar) -> None:
        """Requested before midnight and answered after it: the new day's budget is free."""
        batch = plan_one(deliveries, range(1))
        deliveries.reserve([batch], MUCH)
        calendar.day += timedelta(days=1)
        deliveries.release(batch)
        deliveries.budget.exhaust(batch)
        deliveries.budget.exhaust(batch)
        assert look(deliveries, "SELECT day, exhausted FROM budget") == [(TODAY, True)]
        assert deliveries.reserve([batch], MUCH)
        calendar.day = TODAY
        assert not deliveries.reserve([plan_one(deliveries, range(1, 2))], MUCH)

    def test_a_limit_can_be_set_before_anything_is_spent(self, deliveries: Deliveries) -> None:
        batch = plan_one(deliveries, range(1))
        deliveries.budget.exhaust(batch)
        assert not deliveries.reserve([batch], MUCH)


class TestOutcomes:
    """The API's answer, or a missing answer."""

    def test_doubt_keeps_its_reason(self, deliveries: Deliveries) -> None:
        batch = plan_one(deliveries, range(1))
        deliveries.reserve([batch], MUCH)
        deliveries.mark_unknown(batch, "the connection broke\0 off \ud800")
        (known,) = deliveries.find(rows(range(1))).values()
        assert (known.state, known.note) == (State.UNKNOWN, "the connection broke off ?")
        assert spent(deliveries) == {TODAY: 1}, "what may have arrived is spent"

    def test_refused_rows_leave_their_batch(self, deliveries: Deliveries) -> None:
        batch = plan_one(deliveries, range(3))
        refuse(deliveries, rows([1]), "no address\0")
        deliveries.accept([batch])
        assert states(deliveries, range(3)) == [State.ACCEPTED, State.REJECTED, State.ACCEPTED]
        assert deliveries.find(rows([1])).popitem()[1].note == "no address"

    def test_a_detection_found_by_the_search_is_accepted(self, deliveries: Deliveries) -> None:
        deliveries.mark_unknown(plan_one(deliveries, range(3)), "lost")
        deliveries.confirm([row.key for row in rows([0, 2])])
        deliveries.confirm([])
        assert states(deliveries, range(3)) == [State.ACCEPTED, State.UNKNOWN, State.ACCEPTED]
        assert deliveries.find(rows([0])).popitem()[1].note == "found by search"


class TestSentAgain:
    """A detection that may have arrived stays marked until the API has accepted it."""

    @pytest.fixture
    def again(self, deliveries: Deliveries) -> Batch:
        """A batch of unknown rows that is to be sent again."""
        first = plan_one(deliveries, range(2))
        deliveries.reserve([first], MUCH)
        deliveries.mark_unknown(first, "lost")
        return plan_one(deliveries, range(2), resends=1)

    @pytest.mark.parametrize(
        "step",
        [
            pytest.param(lambda deliveries, batch: None, id="planned"),
            pytest.param(lambda deliveries, batch: deliveries.release(batch), id="released"),
            pytest.param(lambda deliveries, batch: deliveries.put_off(batch), id="put off"),
            pytest.param(
                lambda deliveries, batch: (deliveries.reserve([batch], MUCH), deliveries.recover()), id="reserved"
            ),
            pytest.param(lambda deliveries, batch: deliveries.mark_unknown(batch, "lost"), id="lost again"),
        ],
    )
    def test_it_is_unknown(
        self, step: Callable[[Deliveries, Batch], Any], deliveries: Deliveries, again: Batch
    ) -> None:
        step(deliveries, again)
        assert states(deliveries, range(2)) == [State.UNKNOWN] * 2

    def test_accepted_it_is_accepted(self, deliveries: Deliveries, again: Batch) -> None:
        deliveries.reserve([again], MUCH)
        deliveries.accept([again])
        assert states(deliveries, range(2)) == [State.ACCEPTED] * 2

    def test_it_is_counted_once_it_has_left(self, deliveries: Deliveries, again: Batch) -> None:
        assert deliveries.count_run().resent == 0
        deliveries.reserve([again], MUCH)
        assert deliveries.count_run().resent == 2
        deliveries.release(again)
        assert deliveries.count_run().resent == 0, "the API stored nothing"
        deliveries.reserve([again], MUCH)
        deliveries.accept([again])
        assert deliveries.count_run().resent == 2

    def test_it_counts_each_time(self, deliveries: Deliveries, again: Batch) -> None:
        deliveries.reserve([again], MUCH)
        deliveries.mark_unknown(again, "lost again")
        third = plan_one(deliveries, range(2), resends=1)
        deliveries.reserve([third], MUCH)
        deliveries.accept([third])
        assert deliveries.count_run().resent == 4

    def test_its_refused_detections_are_not_counted(self, deliveries: Deliveries, again: Batch) -> None:
        refuse(deliveries, rows([1]), "no address")
        deliveries.reserve([Batch(again.number, rows([0]), resends=1)], MUCH)
        assert deliveries.count_run().resent == 1

    def test_another_run_counts_its_own(
        self, deliveries: Deliveries, again: Batch, ledger_connection: Connection
    ) -> None:
        deliveries.reserve([again], MUCH)
        assert Deliveries(ledger_connection, "acme", "run-2", "rf").count_run().resent == 0
        assert Deliveries(ledger_connection, "globex", "run-1", "rf").count_run().resent == 0


class TestWaiting:
    """Detections above the day's budget keep their place."""

    def test_the_oldest_come_first(self, deliveries: Deliveries) -> None:
        for numbers in (range(4, 6), range(2), range(2, 4)):
            deliveries.put_off(plan_one(deliveries, numbers))
        assert deliveries.take_waiting(3) == [row.text for row in rows([4, 5, 0])]
        assert states(deliveries, range(6)) == [State.WAITING] * 6

    @pytest.mark.parametrize("count", [1, 50])
    def test_a_batch_waits_and_changes_hands_in_as_many_statements_as_one_row(
        self, deliveries: Deliveries, count: int
    ) -> None:
        deliveries.put_off(plan_one(deliveries, range(count)))
        again = [row.key for row in rows(range(count))]
        with noting_statements(deliveries.connection) as asked:
            deliveries.put_off(deliveries.plan([rows(range(count))], again)[0])
        assert [
            (words, rounds) for words, rounds in asked if words in ("WITH left_behind AS", "INSERT INTO waiting")
        ] == [
            ("WITH left_behind AS", 1),
            ("INSERT INTO waiting", 1),
        ]

    def test_putting_off_twice_keeps_one_place(self, deliveries: Deliveries) -> None:
        for known in ([], [row.key for row in rows([0])]):
            deliveries.put_off(deliveries.plan([rows([0])], known)[0])
        assert deliveries.take_waiting(9) == [detection(0)]

    def test_forgotten_detections_leave_the_list(self, deliveries: Deliveries) -> None:
        deliveries.put_off(plan_one(deliveries, range(3)))
        deliveries.forget_waiting(rows([0, 2]))
        deliveries.forget_waiting([])
        assert deliveries.take_waiting(9) == [detection(1)]

    def test_each_connector_has_its_own_list(self, deliveries: Deliveries, ledger_connection: Connection) -> None:
        deliveries.put_off(plan_one(deliveries, range(1)))
        assert Deliveries(ledger_connection, "globex", "run", "rf").take_waiting(9) == []

    def test_the_text_is_kept_to_the_byte(self, deliveries: Deliveries) -> None:
        text_of_it = detection(1, event_id="\\x00 \t\N{FIRE}" * 1000)
        deliveries.put_off(deliveries.plan([[read_row("acme", text_of_it)]], [])[0])
        assert deliveries.take_waiting(1) == [text_of_it]
