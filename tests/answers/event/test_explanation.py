"""Why an event did not arrive, in full and in one sentence. (What the command prints: commands/test_explain.py.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ci_operators.answers.event.explanation import HEADLINES, Explanation, Inquiry, Verdict, explain, make_verdict
from ci_operators.answers.event.finder import EventFinder, FetchEvent, fetch_event
from ci_operators.answers.event.judgement import SourceAnswer
from ci_operators.answers.event.story import make_steps, tell_trail
from ci_operators.answers.ledgers import NoLedgerError, open_ledger
from ci_operators.answers.question import NEVER, Deadline, WrongQuestionError
from ci_operators.answers.wording import make_wording
from ci_operators.connectors_file import load_connectors
from ci_operators.ledger.indicators import FoundDetection
from ci_operators.ledger.tables import State
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail
from tests.answers.event.test_story import QUARANTINED
from tests.answers.staged_run import AT, DELIVERED, DROPPED, WORDING
from tests.commands.conftest import Desk


def ask(
    desk: Desk,
    question: str,
    names: Sequence[str] = ("okta", "s1", "dry"),
    fetch: FetchEvent = fetch_event,
    deadline: Deadline = NEVER,
    **inquiry: Any,
) -> Explanation:
    found = load_connectors()
    chosen = [each for each in found.connectors if each.name in names]
    finder = EventFinder(desk.now, fetch, deadline=deadline)
    explanation = explain(question, chosen, replace(Inquiry(finder, make_wording(found.connectors)), **inquiry))
    msgspec.json.encode(explanation)
    return explanation


def test_a_single_event_of_an_indicator_is_explained_too(desk: Desk) -> None:
    desk.add_okta_events(1, outcome=None)
    desk.deliver()
    found = ask(desk, "198.51.100.2")
    assert (found.kind, found.more, [match.event_id for match in found.matches]) == ("indicator", False, ["event-0001"])
    assert found.steps[-1].fate == "accepted"
    assert len(found.codes_why) == 1
    assert found.sentences[0].startswith("okta: event event-0001 of ")


def test_an_indicator_that_was_never_sent(desk: Desk) -> None:
    found = ask(desk, "203.0.113.9")
    assert (found.kind, found.sources) == ("nothing", ())
    assert found.sentences[0].startswith("The ledger has no detection with this indicator.")
    assert found.sentences[1] == "In debug mode, without detections in the ledger: dry."
    assert len(ask(desk, "203.0.113.9", ["okta"]).sentences) == 1


def test_only_the_connectors_of_the_question_are_asked_and_named(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    asked = list[str]()

    def fetch(connector: Any, *_: Any) -> bytes | None:
        asked.append(connector.name)
        return None

    found = ask(desk, "event-0001", ["s1"], fetch=fetch)
    assert asked == ["s1"]
    assert found.sentences == ["Neither the ledger nor SentinelOne knows the event."]
    assert "okta" not in msgspec.json.encode(found).decode().lower()
    assert ask(desk, "event-0001", []).sentences == ["There is no connector to ask."]


def test_no_source_is_asked_after_the_deadline(desk: Desk) -> None:
    now = 100.0

    def fetch(connector: Any, event_id: str, at: Any, until: Deadline) -> bytes | None:
        nonlocal now
        del connector, event_id, at
        assert until is deadline
        now = 101.0
        return None

    deadline = Deadline.after(1.0, lambda: now)
    found = ask(desk, "event-0009", deadline=deadline, fetch=fetch)
    assert [answer.connector for answer in found.sources] == ["okta"]
    assert found.sentences == [
        "Neither the ledger nor Okta knows the event.",
        "The answer took too long. Not asked: s1, dry. Choose one of them to ask only that one; "
        "`python -m ci_operators explain ID` waits longer.",
    ]
    found = ask(desk, "event-0009", ["s1"], deadline=deadline, fetch=fetch)
    assert found.sentences == [
        "The answer took too long. Not asked: s1. `python -m ci_operators explain ID` waits longer."
    ]


def test_a_ledger_that_cannot_be_read_is_a_separate_problem(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    desk.edit_file("name: s1,", "name: s1, ledger_conn_id: other,")

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


@pytest.mark.parametrize(("question", "words"), [(" \0 ", "Enter an event's id"), ("x" * 401, "The question has 401")])
def test_an_invalid_question_is_reported(desk: Desk, question: str, words: str) -> None:
    with pytest.raises(WrongQuestionError, match=words):
        ask(desk, question)


MATCH = FoundDetection("okta-acme", "e1", "ip", "198.51.100.2", AT, "accepted", 7, b"key")


def verdict_on(
    *entries: DroppedEvent | QuarantinedEvent | DeliveredDetection, problems: tuple[str, ...] = ()
) -> Verdict:
    """Return the verdict on an event with these ledger entries."""
    trail = Trail(
        [entry for entry in entries if isinstance(entry, DroppedEvent)],
        [entry for entry in entries if isinstance(entry, QuarantinedEvent)],
        [entry for entry in entries if isinstance(entry, DeliveredDetection)],
        [],
    )
    sentences = [*tell_trail(trail, WORDING), *problems]
    return make_verdict(Explanation("e1", "event", sentences, problems, steps=make_steps(trail, WORDING)))


@pytest.mark.parametrize("state", [state.name.lower() for state in State])
def test_every_state_has_its_headline(state: str) -> None:
    verdict = verdict_on(replace(DELIVERED, state=state))
    assert (verdict.fate, verdict.headline, verdict.reason) == (state, HEADLINES[state], "")
    assert verdict.details[0].startswith(f"okta-acme: detection ip 198.51.100.2 is {state}: ")


def test_a_reason_names_its_faq_and_appears_once() -> None:
    reason = "There is no actor information under the event. (FAQ 2b of Recorded Future's page on Okta)"
    headline = "It did not arrive: filter dropped it."
    assert verdict_on(DROPPED) == Verdict("dropped", headline, reason, details=())
    assert verdict_on(DROPPED, problems=("It is away.",)).details == ("It is away.",)


def test_a_reason_without_a_question_is_shown_alone() -> None:
    verdict = verdict_on(replace(QUARANTINED, issue="private_address", detail="10.0.0.1", replayed_at=None))
    assert verdict.headline == "It did not arrive: map quarantined it."
    assert verdict.reason == f"{WORDING.say('okta-acme', 'private_address')} 10.0.0.1"


def test_the_best_of_several_matches_decides_and_all_are_listed() -> None:
    verdict = verdict_on(DROPPED, QUARANTINED, DELIVERED)
    assert (verdict.fate, verdict.reason, len(verdict.details)) == ("unknown", "", 3)
    assert verdict_on(DROPPED, QUARANTINED).fate == "quarantined"
    assert len(verdict_on(DROPPED, QUARANTINED).details) == 2


def test_detections_of_an_indicator_are_counted() -> None:
    found = Explanation("198.51.100.2", "indicator", ["one", "two", "away"], ("away",), matches=[MATCH, MATCH])
    assert make_verdict(found) == Verdict("several", "2 detections have 198.51.100.2.", details=("away",))
    assert make_verdict(replace(found, more=True)).headline == "More than 2 detections have 198.51.100.2."
    of_one_event = replace(found, steps=make_steps(Trail([], [], [DELIVERED], []), WORDING))
    assert (make_verdict(of_one_event).fate, make_verdict(of_one_event).details) == ("unknown", ("away",))


def test_what_only_a_source_knows_is_in_its_words() -> None:
    answer = SourceAnswer("okta-acme", "Okta", True, "Okta has it; it passes.")
    found = Explanation("e1", "event", [answer.sentence, "okta-2: Okta could not be asked."], sources=[answer])
    assert make_verdict(found) == Verdict(
        "found", "okta-acme: Okta has it; it passes.", details=["okta-2: Okta could not be asked."]
    )
    assert make_verdict(replace(found, sources=[answer, replace(answer, failed=True)])).fate == "unclear"


def test_an_unknown_event_is_named() -> None:
    verdict = make_verdict(Explanation("e1", "nothing", ["Neither the ledger nor Okta knows the event."]))
    assert verdict.headline == "Nothing is known about e1"
    assert verdict.details == ["Neither the ledger nor Okta knows the event."]
    assert make_verdict(Explanation("e" * 81, "nothing", [])).headline == f"Nothing is known about {'e' * 80}…"
