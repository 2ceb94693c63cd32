"""Every code that the ledger can hold has words, and codes with a FAQ name its question."""

from __future__ import annotations

from ci_operators.answers.wording import STATES, make_wording, say_state
from ci_operators.ledger.tables import State
from ci_operators.sources.okta.event import DROP_REASONS
from ci_operators.sources.registry import OPTIONS

WORDING = make_wording([OPTIONS["okta"].model_validate({"name": "a", "source": "okta"})])


def test_every_state_has_words() -> None:
    assert set(STATES) == {state.name.lower() for state in State}
    assert say_state("accepted") == "stored by Recorded Future"
    assert (say_state(None), say_state("made_up")) == ("", "made_up")


def test_codes_have_the_words_of_the_connectors_source() -> None:
    assert WORDING.say("a", "missing_actor") == DROP_REASONS["missing_actor"]
    assert WORDING.say("a", "no_usable_hash") == "no_usable_hash"
    assert WORDING.say("gone", "no_usable_hash").startswith("None of sha256")
    assert WORDING.say("a", "rejected_by_api") == "The API refuses the detection."
    assert WORDING.say("a", "no_outcome_reason").startswith("outcome.reason is null")


def test_codes_name_the_question_that_they_answer() -> None:
    assert WORDING.name_faq("a", "wrong_event_type") == "FAQ 2a of Recorded Future's page on Okta"
    assert WORDING.name_faq("a", "no_outcome_reason") == "FAQ 3a of Recorded Future's page on Okta"
    assert WORDING.name_faq("a", "private_address") == ""
    assert WORDING.name_faq("a", "no_tactics") == ""
    assert WORDING.name_faq("gone", "no_tactics") == "FAQ 4 of Recorded Future's page on SentinelOne"
