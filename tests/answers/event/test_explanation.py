"""Why an event did not arrive. (What the command prints: commands/test_explain.py.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ci_operators.answers.deadline import Deadline
from ci_operators.answers.event.explanation import Explanation, Inquiry, explain
from ci_operators.answers.ledgers import NoLedgerError, open_ledger
from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.wording import make_wording
from ci_operators.connectors_file import load_connectors
from tests.commands.conftest import Desk


def ask(desk: Desk, question: str, names: Sequence[str] = ("okta", "s1", "dry"), **inquiry: Any) -> Explanation:
    found = load_connectors()
    chosen = [each for each in found.connectors if each.name in names]
    explanation = explain(question, chosen, replace(Inquiry(desk.now, make_wording(found.connectors)), **inquiry))
    msgspec.json.encode(explanation)
    return explanation


def test_an_event_has_its_way(desk: Desk) -> None:
    desk.add_okta_events(1, actor=None)
    desk.deliver()
    found = ask(desk, "  event-0001 ")
    assert (found.query, found.kind, found.matches) == ("event-0001", "event", ())
    assert [(step.stage, step.fate) for step in found.steps] == [("extract", "passed"), ("filter", "dropped")]
    assert found.steps[1].faq == "FAQ 2b of Recorded Future's page on Okta"
    assert found.trail is not None
    assert len(found.trail.dropped) == 1


def test_why_it_has_no_codes_is_told(desk: Desk) -> None:
    desk.add_okta_events(1, outcome=None)
    desk.add_okta_events(2)
    desk.deliver()
    assert ask(desk, "event-0001").codes_why == [
        "okta: no ATT&CK codes. outcome.reason is null: no ATT&CK code. (FAQ 3a of Recorded Future's page on Okta)"
    ]
    assert ask(desk, "event-0002").codes_why == []


def test_a_single_event_of_an_indicator_has_its_way_too(desk: Desk) -> None:
    desk.add_okta_events(1, outcome=None)
    desk.deliver()
    found = ask(desk, "198.51.100.2")
    assert (found.kind, found.more, [match.event_id for match in found.matches]) == ("indicator", False, ["event-0001"])
    assert found.steps[-1].fate == "accepted"
    assert len(found.codes_why) == 1
    assert found.sentences[0].startswith("okta: event event-0001 of ")


def test_several_events_of_an_indicator_are_listed(desk: Desk) -> None:
    desk.add_okta_events(1, 251)
    desk.deliver()
    found = ask(desk, "198.51.100.2")
    assert (len(found.matches), found.trail, found.steps) == (2, None, ())
    assert found.summary == "2 detections of 198.51.100.2 by okta: 2 accepted."
    assert ask(desk, "198.51.100.2", limit=1).more


def test_an_indicator_that_nobody_sent(desk: Desk) -> None:
    found = ask(desk, "203.0.113.9")
    assert (found.kind, found.sources) == ("nothing", ())
    assert found.sentences[0].startswith("The ledger has no detection with this indicator.")
    assert found.sentences[1] == "In debug mode, and so without detections in the ledger: dry."
    assert len(ask(desk, "203.0.113.9", ["okta"]).sentences) == 1


def test_an_event_that_no_run_met_is_asked_of_the_sources(desk: Desk) -> None:
    desk.add_okta_events(1, minutes_ago=5, outcome=None)
    found = ask(desk, "event-0001")
    assert (found.kind, found.trail) == ("event", None)
    assert [(answer.connector, answer.found) for answer in found.sources] == [
        ("okta", True),
        ("s1", False),
        ("dry", True),
    ]
    assert len(found.codes_why) == 2


def test_only_the_connectors_of_the_question_are_asked_and_named(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    asked = list[str]()

    def fetch(connector: Any, *_: Any) -> None:
        asked.append(connector.name)

    found = ask(desk, "event-0001", ["s1"], fetch=fetch)
    assert asked == ["s1"]
    assert found.sentences == ["Neither the ledger nor SentinelOne knows the event."]
    assert "okta" not in msgspec.json.encode(found).decode().lower()
    assert ask(desk, "event-0001", []).sentences == ["There is no connector to ask."]


def test_when_the_time_is_over_no_further_source_is_asked(desk: Desk) -> None:
    now = 100.0

    def fetch(connector: Any, event_id: str, at: Any, until: Deadline) -> None:
        nonlocal now
        del connector, event_id, at
        assert until is deadline
        now = 101.0

    deadline = Deadline.after(1.0, lambda: now)
    found = ask(desk, "event-0009", deadline=deadline, fetch=fetch)
    assert [answer.connector for answer in found.sources] == ["okta"]
    assert found.sentences == [
        "Neither the ledger nor Okta knows the event.",
        "The answer took too long; not asked: s1, dry. Choose one of them to ask it alone; "
        "`python -m ci_operators explain ID` takes longer.",
    ]
    found = ask(desk, "event-0009", ["s1"], deadline=deadline, fetch=fetch)
    assert found.sentences == [
        "The answer took too long; not asked: s1. `python -m ci_operators explain ID` takes longer."
    ]


def test_the_deadline_holds_for_a_second_look_too(desk: Desk) -> None:
    desk.add_okta_events(1, outcome=None)
    desk.deliver()
    (why,) = ask(desk, "event-0001", deadline=Deadline.after(-1.0)).codes_why
    assert "cannot be looked at again: the time is over" in why


def test_a_ledger_that_cannot_be_read_is_a_problem_of_its_own(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    path = desk.folder / "connectors.yaml"
    path.write_text(path.read_text().replace("name: s1,", "name: s1, ledger_conn_id: other,"))

    def open_one(conn_id: str) -> Any:
        if conn_id == "other":
            raise NoLedgerError("Connection other: it is away.")
        return open_ledger(conn_id)

    found = ask(desk, "198.51.100.2", open_ledger=open_one)
    assert found.problems == ["Connection other: it is away."]
    assert found.summary == "1 detection of 198.51.100.2 by okta: 1 accepted."
    assert found.sentences[-1] == "Connection other: it is away."


@pytest.mark.parametrize("question", ["%", "_", "*", "a\0b", "\ud800", "' OR ''='", "<b>x</b>", "x" * 400, "\u202e"])
def test_any_text_is_plain_text(desk: Desk, question: str) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    found = ask(desk, question)
    assert (found.kind, found.trail, found.matches) == ("nothing", None, ())


@pytest.mark.parametrize(("question", "words"), [(" \0 ", "Name an event's id"), ("x" * 401, "The question has 401")])
def test_what_is_no_question_is_said(desk: Desk, question: str, words: str) -> None:
    with pytest.raises(WrongQuestionError, match=words):
        ask(desk, question)
