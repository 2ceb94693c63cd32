"""Why a delivered detection has no ATT&CK codes: looked up in the artifacts first, then at the source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from ci_operators.answers.codes_why import find_codes_why, find_nothing
from ci_operators.core.connector import Connector
from ci_operators.core.errors import UnavailableError
from ci_operators.ledger.trail import Trail
from tests.answers.staged_run import OKTA, event
from tests.answers.test_trail_story import AT, DELIVERED

TRAIL = Trail((), (), [DELIVERED], ())
WHY = "okta-acme: no ATT&CK codes. outcome.reason is null: no ATT&CK code. (FAQ 3a of Recorded Future's page on Okta)"


def giving(value: Any) -> Any:
    def fetch(connector: Connector, event_id: str, now: datetime) -> bytes | None:
        assert (connector, event_id, now) == (OKTA, "e", AT)
        return None if value is None else json.dumps(value).encode()

    return fetch


def failing(*_: Any) -> bytes:
    raise UnavailableError("Okta is away.")


def ask(trail: Trail = TRAIL, find_staged: Any = find_nothing, fetch: Any = failing) -> list[str]:
    return find_codes_why(trail, "e", [OKTA], find_staged, fetch, AT)


def test_the_artifacts_are_asked_first() -> None:
    def find_staged(connector: Connector, run_id: str, event_id: str) -> bytes:
        assert (connector, run_id, event_id) == (OKTA, "run3", "e")
        return json.dumps(event(1, outcome=None)).encode()

    assert ask(find_staged=find_staged) == [WHY]


def test_then_the_source() -> None:
    assert ask(fetch=giving(event(1, outcome=None))) == [WHY]
    assert ask(fetch=giving(None)) == [
        "okta-acme: no ATT&CK codes. Neither the run's artifacts nor Okta have the event any more."
    ]
    assert ask() == ["okta-acme: no ATT&CK codes. The event cannot be looked at again: Okta is away."]


def test_what_has_changed_since_is_said() -> None:
    assert "By today's options its detection would be another one" in ask(fetch=giving(event(1)))[0]


def test_nobody_is_asked_where_nothing_is_to_be_told() -> None:
    assert ask(Trail((), (), [replace(DELIVERED, codes=["T1110"])], ())) == []
    assert ask(Trail((), (), [replace(DELIVERED, connector="not-mine")], ())) == []
