"""Any interleaving of runs, answers, kills, re-runs, days and settling by hand leaves the ledger exact.

A model stands beside it: what has to be delivered, what the API has stored, what was accepted, what a day may cost.
"""

from __future__ import annotations

import functools
import json
import random
import tempfile
from collections import Counter, deque
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import URL, Connection, text

from ci_operators.core.errors import AccountingError, CollectiveInsightsError, CredentialsError, FatalError
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.batch import Batch
from ci_operators.ledger.breaker import Streak, find_streaks
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import read_row
from ci_operators.ledger.settlement import find_states, override
from ci_operators.ledger.tables import State
from ci_operators.stages.account import MISMATCH, Rules
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.transport.client import Client
from simulator.settings import RECORDED_FUTURE_TOKEN
from tests.faults.line import Identity, check_staging, held, identity
from tests.faults.scripted_api import FATES, KilledError, ScriptedApi
from tests.faults.scripted_flight import ScriptedFlight
from tests.ledger.outage import end_session
from tests.ledger.rollups import check_rollups
from tests.ledger.samples import detection, stage
from tests.ledger_database import empty_ledger
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

EVENTS = 15
#: Detections in a batch, and requests in flight at the same time.
SHAPES = ((3, 1), (3, 4), (1, 4), (1, 2))
#: What a day may cost, of which a part is kept for live runs.
LIMITS = (9, 60)
SHARE_FOR_BULK = 2 / 3
CONNECTOR, DESTINATION = "acme", "rf"
CODES: tuple[tuple[str, ...], ...] = (("T1110.003",), ("T1078", "T1110"), (), ("T1078", "T1078"))
TEXTS = [detection(number, days_ago=number % 3, codes=CODES[number % 4]) for number in range(EVENTS)]
WHO = [identity(json.loads(one)) for one in TEXTS]
KEYS = {read_row(CONNECTOR, one).key: identity(json.loads(one)) for one in TEXTS}
BAD = {WHO[5], WHO[12]}
#: A day that is over says little about anything else; others are accepted beside one that is not.
WEIGHTS = [{"day": 1, "ok": 20}.get(fate, 4) for fate in FATES]
#: Steps of one machine, and machines.
STEPS, MACHINES = 8, 50

windows = st.tuples(st.integers(0, EVENTS - 1), st.integers(1, 12)).map(
    lambda pair: range(pair[0], min(EVENTS, pair[0] + pair[1]))
)


class LedgerMachine(RuleBasedStateMachine):
    """Runs of one connector against a scripted API, the real delivery and a real PostgreSQL."""

    url: URL
    widest: ClassVar = 0  # most requests that were in flight at the same time

    @initialize(
        policy=st.sampled_from(["resend", "resend", "hold"]),
        may_search=st.sampled_from([False, False, True]),
        limit=st.sampled_from(LIMITS),
        resends=st.sampled_from([0, 1, 1, 3]),
        shape=st.sampled_from(SHAPES),
    )
    def begin(
        self, policy: Literal["resend", "hold"], may_search: bool, limit: int, resends: int, shape: tuple[int, int]
    ) -> None:
        """Open an empty ledger and an empty API."""
        self.batch_size, self.parallel_requests = shape
        self.chance = random.Random(0)
        self.limit, self.limit_for_bulk = limit, int(limit * SHARE_FOR_BULK)
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.engine, self.policy, self.resends = make_engine(self.url), policy, resends
        empty_ledger(self.engine)
        self.time, self.runs = VirtualTime(), 0
        self.api = ScriptedApi(
            is_bad=BAD.__contains__,
            may_search=may_search,
            lose_session=self.lose_session,
            take_over=self.take_over,
            today=self.today,
        )
        self.sessions: list[int] = []
        self.ended: set[int] = set()
        self.accepted: set[Identity] = set()
        self.by_hand: set[Identity] = set()
        self.resent: Counter[Identity] = Counter()

    def teardown(self) -> None:
        """Let everything finish: nothing is lost except what is held, which is reported."""
        if hasattr(self, "stack"):
            with self.stack:
                self.finish()

    # What happens.

    @rule(seed=st.integers(0, 1_000_000))
    def run_windows(self, seed: int) -> None:
        """Runs of any windows, each tried up to three times; their answers are any, and some days pass.

        By a number, not as lists: hypothesis draws the same few elements over and over.
        """
        chance = random.Random(seed)
        for _ in range(4):
            first = chance.randrange(EVENTS)
            window = range(first, min(EVENTS, first + chance.randint(1, 9)))
            self.api.fates.clear()
            self.api.fates.extend(["ok"] * chance.choice([0, 0, 1, 3]))  # so that several are in flight
            self.api.fates.extend(chance.choices(FATES, WEIGHTS, k=6))
            self.chance = chance
            self.runs += 1
            if chance.random() < 0.5:
                self.next_day()
            allowed = chance.choice([self.limit, self.limit_for_bulk])
            for _ in range(3):
                if self.deliver(window, f"run-{self.runs}", allowed) is not None:
                    break
            self.states_are_consistent()

    @rule(window=windows)
    def give_up(self, window: range) -> None:
        """A run that dies in its first request and is never tried again."""
        self.runs += 1
        self.api.fates.clear()
        self.api.fates.append("killed after")
        self.deliver(window, f"run-{self.runs}", self.limit)

    @rule()
    def next_day(self) -> None:
        """Midnight in UTC."""
        self.time.instant += timedelta(days=1)

    @precondition(lambda self: self.in_state(State.UNKNOWN))
    @rule(data=st.data(), became=st.sampled_from([State.ACCEPTED, State.PLANNED]))
    def settle(self, data: st.DataObject, became: State) -> None:
        """A person says of a held detection that it has arrived, or that it is to be sent again."""
        key = data.draw(st.sampled_from(sorted(self.in_state(State.UNKNOWN))))
        with open_connection(self.engine) as connection:
            lease = Deliveries(connection, CONNECTOR, "settle", "rf").lock(60).lease  # a closed session may still end
            with lease.transaction():
                assert override(connection, [key], became, "by hand", only=[State.UNKNOWN])
        self.by_hand.add(KEYS[key])

    # What has to hold.

    @invariant()
    def states_are_consistent(self) -> None:
        """What the ledger says fits what the API has; between runs nothing is under way but what a dead one left.

        And what the database's triggers have counted is what a count of all rows gives.
        """
        if not hasattr(self, "api"):
            return
        with open_connection(self.engine) as connection:
            states = find_states(connection, list(KEYS))
            waiting = self.waiting(connection)
            check_rollups(connection)
        for key, current in states.items():
            who = KEYS[key]
            if current.state is State.ACCEPTED and who not in self.by_hand:
                assert self.api.stored[who], f"{who} is accepted, and not there"
            if current.state is State.WAITING:
                assert key in waiting, f"{who} waits, and is not on the list"
            if current.state is State.REJECTED:
                assert who in BAD | self.api.too_large
                assert not self.api.stored[who] or self.resent[who], "refused, and yet there"
        self.accepted |= {KEYS[key] for key, current in states.items() if current.state is State.ACCEPTED}

    @invariant()
    def the_budget_is_kept(self) -> None:
        """On no day did more leave than the limit allows, and the ledger knows of all of it."""
        if hasattr(self, "api"):
            assert all(count <= self.limit for count in self.api.charged.values()), self.api.charged
            with self.engine.connect() as connection:
                known = dict(map(tuple, connection.execute(text("SELECT day, spent FROM budget"))))
            assert all(known[day] >= count for day, count in self.api.charged.items() if count)
            assert all(count <= self.limit for count in known.values())

    @invariant()
    def there_twice_is_what_was_reported(self) -> None:
        """Each copy beyond the first was sent as one that may have arrived, or by a person's word.

        And there are no more of them than the option allows.
        """
        if hasattr(self, "api"):
            for who, count in self.api.stored.items():
                if who not in self.by_hand:
                    assert count <= 1 + self.resent[who], f"{who} is there {count} times"
                    assert count <= 1 + self.resends, f"{who} is there {count} times"

    # The machinery.

    def lose_session(self) -> None:
        """End the session of the run that submits, if another request in flight has not done so."""
        if self.sessions[-1] not in self.ended:
            self.ended.add(self.sessions[-1])
            end_session(self.url, self.sessions[-1])

    def take_over(self) -> None:
        """Let another run of the connector deliver all, with an API that works, before the first one goes on."""
        fates, self.api.fates = self.api.fates, deque()
        self.runs += 1
        self.deliver(range(EVENTS), f"run-{self.runs}", self.limit)
        self.api.fates = fates

    def look_on(self, batch: Batch, beside: int) -> None:
        """Hold a live submission against the ledger when it leaves."""
        sent = [KEYS[row.key] for row in batch.rows]
        LedgerMachine.widest = max(LedgerMachine.widest, beside)
        assert beside <= self.parallel_requests
        assert len(set(sent)) == len(sent)
        again = set(sent) & self.accepted
        assert not again, f"{again} were accepted before"
        assert not set(sent) & self.api.miscounted - self.by_hand, "what was counted wrongly is sent again"
        with open_connection(self.engine) as connection:
            states = find_states(connection, list(KEYS))
            reserved = {KEYS[key] for key, current in states.items() if current.state is State.RESERVED}
            resent = {KEYS[bytes(key)] for key in connection.scalars(text(_RESENT))}
            connection.rollback()
            streak = find_streaks(connection, [1]).get(1, Streak())
        assert set(sent) <= reserved, "a request leaves that the ledger does not know of"
        if streak.trial_at is not None:
            assert (len(sent), beside) == (1, 1), "a connector that has stopped sends more than a trial"
            assert self.time.instant >= streak.trial_at
        self.resent.update(set(sent) & resent)

    def deliver(self, window: range, run_id: str, allowed: int) -> StageResult | None:
        """Do one try of a run; None when it failed."""
        folder = self.folder / run_id
        rules = Rules(
            Terms((), self.batch_size),
            self.policy,
            allowed,
            self.limit_for_bulk,
            unknown_resends=self.resends,
            parallel_requests=self.parallel_requests,
        )
        result: StageResult | None = None
        try:
            with requests.Session() as session, open_connection(self.engine) as connection:
                session.mount("http://", self.api)
                self.sessions.append(connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
                self.ended.discard(self.sessions[-1])  # numbers come again
                client = self.client(session)
                deliveries = Deliveries(connection, CONNECTOR, run_id, DESTINATION, now=lambda: self.time.instant)
                source = stage(folder, [TEXTS[number] for number in window])
                look_up, choose = look_up_with(client, deliveries), self.chance.randrange
                fly = functools.partial(ScriptedFlight, choose=choose, leave=self.look_on)
                result = deliver_once(client, source, folder, rules, deliveries, look_up, fly=fly)
        except KilledError:
            pass
        except CollectiveInsightsError as err:
            if isinstance(err, FatalError) and not isinstance(err, AccountingError | CredentialsError):
                raise
        finally:
            self.sessions.pop()
            check_staging(folder)
        if result is not None:
            self.check(result, window)
        return result

    def check(self, result: StageResult, window: range) -> None:
        """Hold a run's account against what it was given."""
        tally, extra = result.tally, result.extra
        assert tally.records_in == len(window)
        assert tally.records_in == tally.records_out + tally.dropped.total() + tally.quarantined.total()
        assert extra["accepted"] == sum(extra["processed"].values())
        known = self.find([KEYS_OF[number] for number in window])
        for number in window:
            assert KEYS_OF[number] in known, "a detection went missing"
            assert known[KEYS_OF[number]].state is not State.RESERVED

    def finish(self) -> None:
        """Run all that was ever wanted again, with an API that works, until nothing waits."""
        self.api.fates.clear()
        result: Any = None
        for _ in range(10):
            self.time.instant += timedelta(days=1)
            self.runs += 1
            result = self.deliver(range(EVENTS), f"run-{self.runs}", self.limit)
            assert result is not None
            self.states_are_consistent()
            self.the_budget_is_kept()
            if not result.extra["waiting"] and not result.extra["from_waiting"]:
                break
        assert not result.extra["waiting"]
        self.there_twice_is_what_was_reported()
        missing = set(WHO) - set(self.api.stored) - BAD - self.api.too_large
        assert missing - self.by_hand <= held(result), f"{missing - self.by_hand} are lost"
        self.check_held(held(result))

    def check_held(self, on_hold: set[Identity]) -> None:
        """Only what nobody can know is held."""
        for current in self.find(list(KEYS)).values():
            who = KEYS[current.key]
            if who in on_hold:
                assert current.state is State.UNKNOWN
                assert self.policy == "hold" or current.message == MISMATCH or self.is_spent(current.key)
            else:
                assert current.state in (State.ACCEPTED, State.REJECTED), f"{who} is {current.state.name}"

    def is_spent(self, key: bytes) -> bool:
        """Return whether a detection has been sent again as often as it may be, as far as the ledger can tell."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(text(_RESENDS), {"key": key}) >= self.resends)

    def find(self, keys: list[bytes]) -> dict[bytes, Any]:
        with open_connection(self.engine) as connection:
            return dict(find_states(connection, keys))

    def in_state(self, state: State) -> set[bytes]:
        return {key for key, current in self.find(list(KEYS)).items() if current.state is state}

    def waiting(self, connection: Connection) -> set[bytes]:
        with connection.begin():
            return {bytes(key) for key in connection.scalars(text("SELECT key FROM waiting"))}

    def client(self, session: requests.Session) -> Client:
        return LIVE.connect("http://127.0.0.1:9", session, self.time, RECORDED_FUTURE_TOKEN)

    def today(self) -> date:
        return self.time.instant.date()


KEYS_OF = [read_row(CONNECTOR, one).key for one in TEXTS]
_RESENT = "SELECT d.key FROM detection d JOIN batch b ON b.id = d.batch_id WHERE b.resends > 0 AND b.state = 1"
_RESENDS = "SELECT b.resends FROM detection d JOIN batch b ON b.id = d.batch_id WHERE d.key = :key"


@pytest.fixture
def machine(ledger_url: URL) -> type[LedgerMachine]:
    """The machine over this session's ledger."""
    return type("Machine", (LedgerMachine,), {"url": ledger_url})


@pytest.mark.timeout(1800)  # minutes on a machine that is busy with other tests
def test_any_interleaving_is_exact(machine: type[LedgerMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=MACHINES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert LedgerMachine.widest == max(at_once for _, at_once in SHAPES)
