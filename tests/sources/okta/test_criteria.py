"""Which events are let in; the cases stand in golden/, the contract in ../contract.py."""

from __future__ import annotations

import pytest

from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.sources.okta.criteria import DROP_REASONS, criteria_for
from ci_operators.sources.okta.options import OktaConnector
from tests.sources.okta.specimens import EVENT_ID, SPECIMENS

STEP = criteria_for(OktaConnector(name="acme"))


@pytest.mark.parametrize("reason", ["wrong_event_type", "missing_actor", "null_display_name"])
def test_the_documented_criteria_apply_by_default(reason: str) -> None:
    assert STEP(SPECIMENS.dropped[reason].text) == Dropped(reason, EVENT_ID)
    assert reason in DROP_REASONS


def test_private_addresses_are_sent_by_default_and_dropped_by_option() -> None:
    event = SPECIMENS.dropped["private_address"].text
    assert STEP(event) is event
    assert criteria_for(OktaConnector(name="acme", private_addresses="drop"))(event) == Dropped(
        "private_address", EVENT_ID
    )


def test_what_is_no_object_is_quarantined() -> None:
    assert isinstance(STEP(b"[]"), Quarantined)
