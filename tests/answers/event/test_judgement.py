"""Why an event does not arrive, or has no ATT&CK codes: the FAQ's questions, answered for the event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_operators.answers.event.judgement import explain_codes, judge, say_keeping
from ci_operators.core.connector import Connector
from tests.answers.staged_run import OKTA, S1, event
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
        (None, "outcome.reason is null: no ATT&CK code. (FAQ 3a of Recorded Future's page on Okta)"),
        ("Something new", "A phrase of outcome.reason stands in no line of the table: no code for it. (FAQ 3 of"),
    ],
)
def test_why_an_okta_event_has_no_codes(reason: str | None, answer: str) -> None:
    kept, (told,) = judged(OKTA, event(1, outcome={"reason": reason}))
    assert kept == ""
    assert told.startswith(answer)


def test_why_a_threat_has_no_codes() -> None:
    told = judged(S1, THREATS.noted["no_tactics"].event)[1]
    assert told == ["The threat has no tactics: no ATT&CK code. (FAQ 4 of Recorded Future's page on SentinelOne)"]
    threat = {**THREATS.noted["no_tactics"].event, "indicators": [{"tactics": [{"name": "Made Up", "techniques": []}]}]}
    assert "A tactic that ATT&CK does not know" in judged(S1, threat)[1][0]


def test_every_reason_of_a_source_can_be_said() -> None:
    for connector, events in ((OKTA, OKTA_EVENTS), (S1, THREATS)):
        for reason, specimen in events.dropped.items():
            chosen = connector.model_copy(update=specimen.options)
            assert say_keeping(chosen, judge(chosen, specimen.text)).startswith(f"the criteria exclude it ({reason})")
