"""Why a delivered detection has no ATT&CK codes: looked up in the artifacts first, then at the source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ci_operators.answers.deadline import NEVER, Deadline
from ci_operators.answers.event.codes_why import EventFinder, find_codes_why, find_nothing
from ci_operators.answers.run.scan import Limits
from ci_operators.core.connector import Connector
from ci_operators.core.errors import UnavailableError
from ci_operators.ledger.trail import Trail
from tests.answers.event.test_trail import AT, DELIVERED
from tests.answers.staged_run import OKTA, event

TRAIL = Trail((), (), [DELIVERED], ())
WHY = "okta-acme: no ATT&CK codes. outcome.reason is null: no ATT&CK code. (FAQ 3a of Recorded Future's page on Okta)"


def giving(value: Any, deadline: Deadline = NEVER) -> Any:
    def fetch(connector: Connector, event_id: str, now: datetime, until: Deadline) -> bytes | None:
        assert (connector, event_id, now, until) == (OKTA, "e", AT, deadline)
        return None if value is None else json.dumps(value).encode()

    return fetch


def failing(*_: Any) -> bytes:
    raise UnavailableError("Okta is away.")


def ask(
    trail: Trail = TRAIL, find_staged: Any = find_nothing, fetch: Any = failing, deadline: Deadline = NEVER
) -> list[str]:
    return find_codes_why(trail, "e", [OKTA], EventFinder(find_staged, fetch, AT, deadline))


def test_the_artifacts_are_asked_first() -> None:
    def find_staged(connector: Connector, run_id: str, event_id: str, limits: Limits) -> bytes:
        assert (connector, run_id, event_id, limits.seconds) == (OKTA, "run3", "e", 10.0)
        return json.dumps(event(1, outcome=None)).encode()

    assert ask(find_staged=find_staged) == [WHY]


def test_then_the_source() -> None:
    assert ask(fetch=giving(event(1, outcome=None))) == [WHY]
    assert ask(fetch=giving(None)) == [
        "okta-acme: no ATT&CK codes. The event was found again neither in the run's artifacts nor at Okta."
    ]
    assert ask() == ["okta-acme: no ATT&CK codes. The event cannot be looked at again: Okta is away."]


def test_an_event_is_looked_for_once_in_its_newest_run() -> None:
    asked = list[tuple[str, str]]()

    def find_staged(connector: Connector, run_id: str, event_id: str, limits: Limits) -> None:
        del limits
        asked.append((connector.name, run_id))

    def fetch(*_: Any) -> bytes:
        asked.append(("source", ""))
        return json.dumps(event(1, outcome=None)).encode()

    newer = replace(DELIVERED, run_id="run9", first_seen=DELIVERED.first_seen + timedelta(hours=1))
    for detections in ([DELIVERED, newer, DELIVERED], [newer, DELIVERED]):
        asked.clear()
        assert ask(Trail((), (), detections, ()), find_staged, fetch) == [WHY]
        assert asked == [(OKTA.name, "run9"), ("source", "")]


def test_what_is_left_of_the_time_is_handed_on() -> None:
    now = 100.0
    deadline = Deadline.after(8.0, lambda: now)
    seen = list[float]()

    def find_staged(connector: Connector, run_id: str, event_id: str, limits: Limits) -> None:
        del connector, run_id, event_id
        seen.append(limits.seconds)
        assert limits.clock() == now

    assert ask(find_staged=find_staged, fetch=giving(event(1, outcome=None), deadline), deadline=deadline) == [WHY]
    assert seen == [4.0]


def test_nothing_is_looked_at_when_the_time_is_over() -> None:
    late = [
        "okta-acme: no ATT&CK codes. The event cannot be looked at again: the time is over. "
        "`python -m ci_operators explain ID` takes longer."
    ]
    asked = list[str]()
    now = 100.0

    def find_staged(*_: Any) -> None:
        nonlocal now
        asked.append("artifacts")
        now = 108.0

    def fetch(*_: Any) -> None:
        asked.append("source")

    deadline = Deadline.after(8.0, lambda: now)
    assert ask(find_staged=find_staged, fetch=fetch, deadline=deadline) == late
    assert asked == ["artifacts"]
    assert ask(find_staged=find_staged, fetch=fetch, deadline=deadline) == late
    assert asked == ["artifacts"]


def test_what_has_changed_since_is_said() -> None:
    assert "By today's options its detection would be another one" in ask(fetch=giving(event(1)))[0]


def test_nobody_is_asked_where_nothing_is_to_be_told() -> None:
    assert ask(Trail((), (), [replace(DELIVERED, codes=["T1110"])], ())) == []
    assert ask(Trail((), (), [replace(DELIVERED, connector="not-mine")], ())) == []
