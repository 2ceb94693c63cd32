"""The answer to "why did it not arrive" in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_operators.answers.event.explanation import Explanation
from ci_operators.answers.event.indicators import Match
from ci_operators.answers.event.source_question import SourceAnswer
from ci_operators.answers.event.trail import make_steps, tell_trail
from ci_operators.answers.event.verdict import HEADLINES, Verdict, make_verdict
from ci_operators.ledger.tables import State
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail
from tests.answers.event.test_trail import AT, DELIVERED, DROPPED, QUARANTINED
from tests.answers.staged_run import WORDING

MATCH = Match("okta-acme", "e1", "ip", "198.51.100.2", AT, "accepted", "00")


def explain(*entries: DroppedEvent | QuarantinedEvent | DeliveredDetection, problems: tuple[str, ...] = ()) -> Verdict:
    """Return the verdict on an event that the ledger has met so."""
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
    verdict = explain(replace(DELIVERED, state=state))
    assert (verdict.fate, verdict.headline, verdict.reason) == (state, HEADLINES[state], "")
    assert verdict.details[0].startswith(f"okta-acme: detection ip 198.51.100.2 is {state}: ")


def test_a_reason_names_its_faq_and_is_not_said_twice() -> None:
    reason = "There is no actor information under the event. (FAQ 2b of Recorded Future's page on Okta)"
    headline = "It did not arrive: filter left it out."
    assert explain(DROPPED) == Verdict("dropped", headline, reason, details=())
    assert explain(DROPPED, problems=("It is away.",)).details == ("It is away.",)


def test_a_reason_without_a_question_stands_alone() -> None:
    verdict = explain(replace(QUARANTINED, issue="private_address", detail="10.0.0.1", replayed_at=None))
    assert verdict.headline == "It did not arrive: map quarantined it."
    assert verdict.reason == f"{WORDING.say('okta-acme', 'private_address')} 10.0.0.1"


def test_of_several_things_the_best_counts_and_each_is_told() -> None:
    verdict = explain(DROPPED, QUARANTINED, DELIVERED)
    assert (verdict.fate, verdict.reason, len(verdict.details)) == ("unknown", "", 3)
    assert explain(DROPPED, QUARANTINED).fate == "quarantined"
    assert len(explain(DROPPED, QUARANTINED).details) == 2


def test_detections_of_an_indicator_are_counted() -> None:
    found = Explanation("198.51.100.2", "indicator", ["one", "two", "away"], ("away",), matches=[MATCH, MATCH])
    assert make_verdict(found) == Verdict("several", "2 detections carry 198.51.100.2.", details=("away",))
    assert make_verdict(replace(found, more=True)).headline == "More than 2 detections carry 198.51.100.2."
    of_one_event = replace(found, steps=make_steps(Trail([], [], [DELIVERED], []), WORDING))
    assert (make_verdict(of_one_event).fate, make_verdict(of_one_event).details) == ("unknown", ("away",))


def test_what_only_a_source_knows_is_said_in_its_words() -> None:
    answer = SourceAnswer("okta-acme", "Okta", True, "Okta has it; it passes.")
    found = Explanation("e1", "event", [answer.sentence, "okta-2: Okta could not be asked."], sources=[answer])
    assert make_verdict(found) == Verdict(
        "found", "okta-acme: Okta has it; it passes.", details=["okta-2: Okta could not be asked."]
    )
    assert make_verdict(replace(found, sources=[answer, replace(answer, failed=True)])).fate == "unclear"


def test_what_nobody_knows_is_named() -> None:
    verdict = make_verdict(Explanation("e1", "nothing", ["Neither the ledger nor Okta knows the event."]))
    assert verdict.headline == "Nothing is known of e1"
    assert verdict.details == ["Neither the ledger nor Okta knows the event."]
    assert make_verdict(Explanation("e" * 81, "nothing", [])).headline == f"Nothing is known of {'e' * 80}…"
