"""Any answers to live submissions, with a real ledger: only confirmed detections are accepted, and none is lost."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Engine

from ci_operators.ledger.access import open_connection
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import read_row
from ci_operators.ledger.settlement import find_states
from ci_operators.ledger.tables import State
from ci_operators.stages.account import Rules
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from tests.faults.line import Identity, check_stage, held, identity
from tests.faults.scripted_flight import ScriptedFlight
from tests.fuzz.answering import URL, Reply, open_session
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.errors import check_plain, expect_own_errors
from tests.fuzz.receiving import answer_search, answer_submission, says_it_is_stored
from tests.ledger.samples import detection, stage
from tests.vendor_cases import LIVE
from tests.virtual_time import NOON, VirtualTime

EVENTS = 5
TEXTS = [detection(number) for number in range(EVENTS)]
IDENTITIES = [identity(json.loads(text)) for text in TEXTS]
#: Tries of one run with arbitrary answers, before a try with correct answers.
BAD_TRIES = 2
_NUMBERS = itertools.count()


def test_delivery(fuzz: Fuzz, tmp_path: Path, ledger_engine: Engine) -> None:
    fuzz("delivery", lambda choices: run_delivery(choices, ledger_engine, tmp_path), 0.06)


def run_delivery(choices: Choices, engine: Engine, directory: Path) -> str:
    """Return the outcome of one run's tries: some with arbitrary answers of the API, one with correct ones."""
    run = Run(choices, engine, directory, f"fuzzed-{next(_NUMBERS)}")
    outcomes = [run.deliver(answers_well=False) for _ in range(BAD_TRIES)]
    run.check_accepted()
    outcomes.append(run.deliver(answers_well=True))
    run.check_accepted()
    run.check_end()
    return str(outcomes)


@dataclass
class Run:
    """A separate connector with one run that is retried, and the API's answers about its detections."""

    choices: Choices
    engine: Engine
    directory: Path
    name: str
    stored: Counter[Identity] = field(default_factory=Counter)
    #: Detections of live submissions that were answered as stored, or that a search named.
    confirmed: set[Identity] = field(default_factory=set)
    result: StageResult | None = None

    def deliver(self, *, answers_well: bool) -> str | None:
        """Do one try; return the kind of its error."""
        choices = Choices() if answers_well else self.choices
        policy: Any = self.choices.pick(("resend", "hold"))
        rules = Rules(
            Terms((), self.choices.pick((2, 1))),
            policy,
            1000,
            1000,
            send_transient_id=self.choices.happens(2),
            parallel_requests=3,
        )
        self.result = None
        # Several unknown outcomes in one try stop the connector for a while: the good try comes after that.
        now = NOON + timedelta(hours=1) if answers_well else NOON
        with open_session(lambda request: self._answer(request, choices)) as session:
            client = LIVE.connect(URL, session, VirtualTime())
            return expect_own_errors(self._deliver(client, rules, now), LIVE.token)

    def check_accepted(self) -> None:
        """Compare the ledger with the API's answers: unconfirmed detections are not accepted."""
        keys = {read_row(self.name, text).key: who for text, who in zip(TEXTS, IDENTITIES, strict=True)}
        with open_connection(self.engine) as connection:
            for key, current in find_states(connection, list(keys)).items():
                check_plain(current.message or "")
                if current.state is State.ACCEPTED:
                    assert keys[key] in self.confirmed, f"{keys[key]} is accepted, and no answer says so"

    def check_end(self) -> None:
        """After a try with an API that works, each detection has arrived, or is shown as refused or held."""
        assert self.result is not None, "an API that works, and yet an error"
        refused = self.result.tally.quarantined["rejected_by_api"]
        missing = set(IDENTITIES) - self.confirmed - held(self.result)
        assert len(missing) <= refused, f"{missing} are lost, {refused} refused"

    def _deliver(self, client: Any, rules: Rules, now: datetime) -> Callable[[], None]:
        def deliver() -> None:
            with open_connection(self.engine) as connection:
                deliveries = Deliveries(connection, self.name, "run", self.name, now=lambda: now)
                source = stage(self.directory, TEXTS)
                look_up = look_up_with(client, deliveries)
                fly = ScriptedFlight
                self.result = deliver_once(client, source, self.directory, rules, deliveries, look_up, fly=fly)
            check_stage(source, self.result)
            check_plain([self.result.tally.samples, self.result.extra])

        return deliver

    def _answer(self, request: requests.PreparedRequest, choices: Choices) -> Reply:
        if (request.url or "").endswith("/search"):
            return self._answer_search(request, choices)
        reply = answer_submission(request, choices)
        body = json.loads(request.body or b"")
        if not body["options"]["debug"] and says_it_is_stored(reply, debug=False):
            self.confirmed.update(identity(entry) for entry in body["data"])
        return reply

    def _answer_search(self, request: requests.PreparedRequest, choices: Choices) -> Reply:
        """Answer with the confirmed detections and with an unconfirmed one, which a search knows."""
        known = [*sorted(self.confirmed), IDENTITIES[0]]
        hits = [
            {
                "indicator": {"type": kind, "value": value},
                "incident": {"id": event_id},
                "detection_time": _time_of(event_id),
            }
            for event_id, kind, value in known
        ]
        reply = answer_search(request, choices, hits)
        if reply.status == 200 and not reply.broken:
            self.confirmed.add(IDENTITIES[0])
        return reply


def _time_of(event_id: str) -> str:
    return next(str(json.loads(text)["timestamp"]) for text in TEXTS if json.loads(text)["incident"]["id"] == event_id)
