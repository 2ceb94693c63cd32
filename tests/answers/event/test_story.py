"""The story of one event, from whatever is known of it. (With artifacts and ledger: test_record_detail.py.)"""

from __future__ import annotations

import json
from typing import Any

from ci_operators.answers.event.story import StoryFacts, tell_story
from ci_operators.answers.run.record import Record
from ci_operators.ledger.trail import Trail
from tests.answers.event.test_trail import DROPPED
from tests.answers.run.test_record import Known
from tests.answers.staged_run import OKTA, WORDING, event


def tell(record: Record | None = None, raw: Any = None, **known: Any) -> list[str]:
    values = {"trail": None, "states": [], "has_codes": False, "last_stage": "extract", "is_whole": True, **known}
    text = None if raw is None else json.dumps(raw).encode()
    return list(tell_story(StoryFacts(connector=OKTA, wording=WORDING, raw=text, record=record, **values)))


def test_each_stage_that_it_passed_has_its_sentence() -> None:
    assert tell(Record("e", "detection", "submit"), states=[Known("accepted")]) == [
        "extract: Read from the source.",
        "filter: The criteria let it in.",
        "map: Made into a detection.",
        "validate: What the API takes.",
        "submit: accepted: stored by Recorded Future (run scheduled__0, batch 7).",
    ]
    assert tell(Record("e", "detection", "validate"))[-1] == "validate: What the API takes."


def test_what_the_ledger_knows_stands_for_what_is_gone() -> None:
    assert tell(trail=Trail([DROPPED], (), (), ()))[0].startswith("okta-acme: dropped by filter")


def test_what_is_not_known_yet_is_said() -> None:
    assert tell(last_stage="map")[2:] == [
        "map: Made into a detection.",
        "Its further way is not known: the next stage has not finished, or its artifacts are gone.",
    ]
    assert tell(is_whole=False) == [
        "The run has more records than can be looked through at once: search its table for the event, or ask "
        "`python -m ci_operators explain ID`."
    ]


def test_only_a_detection_without_codes_is_asked_why() -> None:
    bare = Record("e", "detection", "validate")
    assert tell(bare, event(1, outcome=None))[-1].startswith("No ATT&CK codes: outcome.reason is null")
    assert not any("ATT&CK" in text for text in tell(bare, event(1, outcome=None), has_codes=True))


def test_another_verdict_of_today_is_said() -> None:
    dropped = Record("e", "dropped", "filter", "missing_actor", "Words.")
    assert tell(dropped, event(1))[-1] == "By the connector's options as they stand now: it passes."
    assert not any("as they stand now" in text for text in tell(dropped, event(1, actor=None)))
    refused = Record("e", "quarantined", "validate", "rejected_by_api", "Words.", "no such thing")
    assert tell(refused, event(1))[-1] == "validate: quarantined (rejected_by_api): Words. no such thing"
