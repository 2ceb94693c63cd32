"""The outcome of an event under the current options: the FAQ's questions, answered for the event."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ci_operators.answers.event.finder import EventFinder, find_nothing
from ci_operators.answers.event.judgement import (
    Coverage,
    ask_source,
    explain_codes,
    find_codes_why,
    foresee,
    judge,
    say_keeping,
)
from ci_operators.answers.question import Limits
from ci_operators.core.connector import Connector
from ci_operators.core.errors import UnavailableError
from ci_operators.ledger.trail import Trail
from tests.answers.staged_run import AT, DELIVERED, OKTA, S1, event
from tests.commands.conftest import Desk
from tests.sources.okta.specimens import SPECIMENS as OKTA_EVENTS
from tests.sources.sentinelone.specimens import SPECIMENS as THREATS


def judged(connector: Connector, value: Any) -> tuple[str, list[str]]:
    verdict = judge(connector, json.dumps(value).encode())
    return say_keeping(connector, verdict), explain_codes(connector, verdict)


def test_what_the_criteria_exclude() -> None:
    assert judged(OKTA, event(1, actor=None)) == (
        "the criteria exclude it (missing_actor): There is no actor information under the event.",
        [],
    )
    assert judged(S1, {"id": "1"})[0].startswith("the criteria exclude it (missing_threat_info)")


def test_what_would_be_quarantined() -> None:
    kept, codes = judged(OKTA, event(1, actor={"displayName": "no address"}))
    assert kept.startswith("it would be quarantined (indicator_not_an_address): The actor's display name")
    assert codes == []


def test_an_event_that_passes_has_its_detection() -> None:
    verdict = judge(OKTA, json.dumps(event(1)).encode())
    assert (verdict.fate, verdict.code, verdict.notes) == ("passed", None, ())
    assert [row.codes for row in verdict.detections] == [["T1110.003"]]
    assert (say_keeping(OKTA, verdict), explain_codes(OKTA, verdict)) == ("", [])


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (None, "outcome.reason is null and gives no ATT&CK code. (FAQ 3a of Recorded Future's page on Okta)"),
        ("Something new", "A phrase of outcome.reason is not in the table and gives no code. (FAQ 3 of"),
    ],
)
def test_why_an_okta_event_has_no_codes(reason: str | None, answer: str) -> None:
    kept, (told,) = judged(OKTA, event(1, outcome={"reason": reason}))
    assert kept == ""
    assert told.startswith(answer)


def test_why_a_threat_has_no_codes() -> None:
    told = judged(S1, THREATS.noted["no_tactics"].event)[1]
    words = "The threat has no tactics and gets no ATT&CK code."
    assert told == [f"{words} (FAQ 4 of Recorded Future's page on SentinelOne)"]
    threat = {**THREATS.noted["no_tactics"].event, "indicators": [{"tactics": [{"name": "Made Up", "techniques": []}]}]}
    assert "A tactic is not in ATT&CK" in judged(S1, threat)[1][0]


def test_every_reason_of_a_source_has_words() -> None:
    for connector, events in ((OKTA, OKTA_EVENTS), (S1, THREATS)):
        for reason, specimen in events.dropped.items():
            chosen = connector.model_copy(update=specimen.options)
            assert say_keeping(chosen, judge(chosen, specimen.text)).startswith(f"the criteria exclude it ({reason})")


TRAIL = Trail((), (), [DELIVERED], ())
WHY = (
    "okta-acme: no ATT&CK codes. outcome.reason is null and gives no ATT&CK code. "
    "(FAQ 3a of Recorded Future's page on Okta)"
)


def giving(value: Any) -> Any:
    return lambda *_: None if value is None else json.dumps(value).encode()


def failing(*_: Any) -> bytes:
    raise UnavailableError("Okta is away.")


def ask(trail: Trail = TRAIL, find_staged: Any = find_nothing, fetch: Any = failing) -> list[str]:
    return find_codes_why(trail, "e", [OKTA], EventFinder(AT, fetch, find_staged))


def test_why_a_delivered_detection_has_no_codes() -> None:
    assert ask(find_staged=giving(event(1, outcome=None))) == ask(fetch=giving(event(1, outcome=None))) == [WHY]
    assert ask(fetch=giving(None)) == [
        "okta-acme: no ATT&CK codes. The event was not found in the run's artifacts or at Okta."
    ]
    assert ask() == ["okta-acme: no ATT&CK codes. The event cannot be read again: Okta is away."]
    assert "With today's options the detection would be different" in ask(fetch=giving(event(1)))[0]


def test_an_event_is_searched_once_in_its_newest_run() -> None:
    asked = list[tuple[str, str]]()

    def find_staged(connector: Connector, run_id: str, event_id: str, limits: Limits) -> bytes:
        del event_id, limits
        asked.append((connector.name, run_id))
        return json.dumps(event(1, outcome=None)).encode()

    newer = replace(DELIVERED, run_id="run9", first_seen=DELIVERED.first_seen + timedelta(hours=1))
    for detections in ([DELIVERED, newer, DELIVERED], [newer, DELIVERED]):
        asked.clear()
        assert ask(Trail((), (), detections, ()), find_staged) == [WHY]
        assert asked == [(OKTA.name, "run9")]


def test_no_source_is_asked_when_there_is_nothing_to_report() -> None:
    assert ask(Trail((), (), [replace(DELIVERED, codes=["T1110"])], ())) == []
    assert ask(Trail((), (), [replace(DELIVERED, connector="not-mine")], ())) == []


def test_a_threat_is_found_by_its_id(desk: Desk) -> None:
    threat = THREATS.make_event(desk.ago(20), 1)
    desk.simulator.add_threat(threat)
    coverage, finder = Coverage(desk.ago(60), desk.ago(10)), EventFinder(desk.now)
    answer = ask_source(desk.connector("s1"), str(THREATS.read_id(threat)), coverage, finder)
    assert (answer.found, answer.time is None) == (True, False)
    assert answer.sentence.startswith("s1: SentinelOne has it, of ")
    assert "is in a window that was delivered without it" in answer.sentence
    answer = ask_source(desk.connector("s1"), "999", coverage, finder)
    assert (answer.found, answer.sentence) == (False, "s1: SentinelOne does not have the event.")


def test_an_event_without_a_time_cannot_be_predicted() -> None:
    assert "has no time" in foresee(OKTA, None, Coverage(AT, AT))
    sentence = foresee(OKTA, AT - timedelta(hours=5, minutes=1), Coverage(AT - timedelta(hours=3), AT))
    assert "Run a backfill of 2026-03-10T06:00:00.000Z to 2026-03-10T07:00:00.000Z" in sentence
