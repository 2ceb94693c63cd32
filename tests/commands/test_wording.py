"""Every code that the ledger can hold has words."""

from __future__ import annotations

from ci_operators.commands.wording import STATES, make_words, say
from ci_operators.ledger.tables import State
from ci_operators.sources.okta.criteria import DROP_REASONS
from ci_operators.sources.registry import OPTIONS


def test_every_state_has_words() -> None:
    assert set(STATES) == {state.name.lower() for state in State}


def test_codes_are_told_in_the_words_of_the_connectors_source() -> None:
    words = make_words([OPTIONS["okta"].model_validate({"name": "a", "source": "okta"})])
    assert say(words, "a", "missing_actor") == DROP_REASONS["missing_actor"]
    assert say(words, "a", "no_usable_hash") == "no_usable_hash"
    assert say(words, "gone", "no_usable_hash").startswith("None of sha256")
    assert say(words, "a", "rejected_by_api") == "The API refuses the detection."
