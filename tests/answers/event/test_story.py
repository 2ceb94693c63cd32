"""The path of an event, in sentences and in steps. (With artifacts and ledger: test_detail.py.)"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from ci_operators.answers.event.story import StoryFacts, make_steps, tell_story, tell_trail
from ci_operators.answers.run.record import Record
from ci_operators.ledger.trail import QuarantinedEvent, Trail
from tests.answers.staged_run import AT, DELIVERED, DROPPED, OKTA, WORDING, event, known

HOUR = timedelta(hours=1)
QUARANTINED = QuarantinedEvent(
    "okta-acme", 5, "map", "missing_timestamp", "Odd.", "run2", AT + HOUR, AT + 2 * HOUR, "delivered"
)
TRAIL = Trail([DROPPED], [QUARANTINED], [DELIVERED], [])


def test_each_match_has_its_sentence() -> None:
    assert list(tell_trail(TRAIL, WORDING)) == [
        "okta-acme: dropped by filter (missing_actor) in run run1: There is no actor information under the event.",
        "okta-acme: quarantined by map as missing_timestamp in run run2 (quarantine 5): "
        "The event has no time. Odd. Replayed: delivered.",
        "okta-acme: detection ip 198.51.100.2 is unknown: sent, but it is not known whether Recorded Future stored "
        "it (run run3, batch 7). Message: broke off",
    ]


def test_steps_go_run_by_run_and_stage_by_stage() -> None:
    steps = make_steps(TRAIL, WORDING)
    assert [(step.run_id, step.stage, step.fate) for step in steps] == [
        ("run1", "extract", "passed"),
        ("run1", "filter", "dropped"),
        ("run2", "extract", "passed"),
        ("run2", "filter", "passed"),
        ("run2", "map", "quarantined"),
        ("run2", "map", "replayed"),
        ("run3", "extract", "passed"),
        ("run3", "filter", "passed"),
        ("run3", "map", "passed"),
        ("run3", "validate", "passed"),
        ("run3", "submit", "unknown"),
    ]
    dropped = steps[1]
    assert (dropped.dag_id, dropped.code, dropped.at) == ("collective_insights_okta-acme", "missing_actor", AT)
    assert dropped.faq == "FAQ 2b of Recorded Future's page on Okta"
    assert steps[-1].at == AT + 4 * HOUR
    assert steps[-1].words.startswith("Sent, but it is not known")


def test_a_refused_detection_is_one_story() -> None:
    refused = QuarantinedEvent("okta-acme", 6, "submit", "rejected_by_api", "", "run3", AT + 3 * HOUR, None, None)
    steps = make_steps(Trail((), [refused], [DELIVERED], ()), WORDING)
    assert [(step.stage, step.fate) for step in steps] == [
        ("extract", "passed"),
        ("filter", "passed"),
        ("map", "passed"),
        ("validate", "passed"),
        ("submit", "quarantined"),
        ("submit", "unknown"),
    ]


def tell(record: Record | None = None, raw: Any = None, **facts: Any) -> list[str]:
    text = None if raw is None else json.dumps(raw).encode()
    return list(tell_story(StoryFacts(OKTA, WORDING, text, record=record, **facts)))


def test_each_passed_stage_has_its_sentence() -> None:
    assert tell(Record("e", "detection", "submit"), states=[known("accepted")]) == [
        "extract: Read from the source.",
        "filter: It meets the criteria.",
        "map: Mapped to a detection.",
        "validate: The API accepts it.",
        "submit: accepted: stored by Recorded Future (run scheduled__0, batch 7).",
    ]
    assert tell(Record("e", "detection", "validate"))[-1] == "validate: The API accepts it."


def test_the_ledger_replaces_missing_artifacts() -> None:
    assert tell(trail=Trail([DROPPED], (), (), ()))[0].startswith("okta-acme: dropped by filter")


def test_an_open_outcome_is_reported() -> None:
    assert tell(last_stage="map")[2:] == [
        "map: Mapped to a detection.",
        "What happened after that is not known: the next stage has not finished, or its artifacts are gone.",
    ]
    assert tell(is_whole=False) == [
        "The run has too many records to search at once. Search its table for the event, or run "
        "`python -m ci_operators explain ID`."
    ]


def test_only_a_detection_without_codes_gets_a_reason() -> None:
    bare = Record("e", "detection", "validate")
    assert tell(bare, event(1, outcome=None))[-1].startswith("No ATT&CK codes: outcome.reason is null")
    assert not any("ATT&CK" in text for text in tell(bare, event(1, outcome=None), has_codes=True))


def test_a_different_verdict_today_is_reported() -> None:
    dropped = Record("e", "dropped", "filter", "missing_actor", "Words.")
    assert tell(dropped, event(1))[-1] == "With the connector's current options: it passes."
    assert not any("current options" in text for text in tell(dropped, event(1, actor=None)))
    refused = Record("e", "quarantined", "validate", "rejected_by_api", "Words.", "no such thing")
    assert tell(refused, event(1))[-1] == "validate: quarantined (rejected_by_api): Words. no such thing"
