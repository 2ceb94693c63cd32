"""The chain passes a record through the steps of a connector, as a run would."""

from __future__ import annotations

import json

import pytest

from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.sources.registry import OPTIONS
from ci_operators.stages.chain import Passage, make_chain, take_through
from tests.sources.okta.specimens import SPECIMENS

OKTA = OPTIONS["okta"].model_validate({"name": "a", "source": "okta"})
NOTES: list[str] = []
CHAIN = make_chain(OKTA, NOTES.append)
DETECTION = take_through(CHAIN, SPECIMENS.noted["no_outcome_reason"].text)[0].record


def test_the_steps_come_in_the_order_of_the_stages() -> None:
    assert list(CHAIN) == ["filter", "map", "validate"]


@pytest.mark.parametrize(
    ("first", "record", "kept"),
    [
        ("filter", b"{}", ("filter", Dropped)),
        ("filter", b"not JSON", ("filter", Quarantined)),
        ("map", b"{}", ("map", Quarantined)),
        ("validate", b"{}", ("validate", Quarantined)),
    ],
)
def test_a_record_stays_with_the_stage_that_keeps_it(first: str, record: bytes, kept: tuple[str, type]) -> None:
    (passage,) = take_through(CHAIN, record, first)
    assert (passage.stage, type(passage.verdict), passage.record) == (*kept, record)


def test_a_record_that_passes_is_a_detection_with_its_notes() -> None:
    NOTES.clear()
    (passage,) = take_through(CHAIN, SPECIMENS.noted["no_outcome_reason"].text)
    assert (passage.stage, passage.verdict, NOTES) == ("submit", None, ["no_outcome_reason"])
    assert json.loads(passage.record)["ioc"]["source_type"] == "Okta"
    assert take_through(CHAIN, passage.record, "validate") == [Passage("submit", passage.record)]


def test_an_event_that_gives_several_detections_passes_once_for_each() -> None:
    several = {**CHAIN, "map": lambda event: [b"{}", DETECTION]}
    first, second = take_through(several, SPECIMENS.noted["no_outcome_reason"].text)
    assert (first.stage, first.record, type(first.verdict)) == ("validate", b"{}", Quarantined)
    assert second == Passage("submit", DETECTION)
