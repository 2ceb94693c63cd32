"""Layers hold to the format, and say what was counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from ci_operators.pages.navigator import make_layer
from ci_operators.pages.period import Period
from tests.pages.layer_schema import LAYER_SCHEMA

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = Period(NOON - timedelta(days=7), NOON)


@pytest.mark.parametrize("counts", [{}, {"T1110": 1}, {"T1110": 3, "T1110.003": 40, "T1059.001": 1}])
def test_layer_is_one(counts: dict[str, int]) -> None:
    layer = make_layer(counts, WEEK, ["okta"])
    jsonschema.validate(layer, LAYER_SCHEMA)
    assert {each["techniqueID"]: each["score"] for each in layer["techniques"]} == counts
    assert layer["gradient"]["maxValue"] > layer["gradient"]["minValue"]


def test_tactics_and_codes_that_attack_does_not_know_have_no_place() -> None:
    layer = make_layer({"TA0006": 5, "T9999": 2, "T1110": 1}, WEEK, ["okta"])
    assert [each["techniqueID"] for each in layer["techniques"]] == ["T1110"]


def test_layer_says_what_it_shows() -> None:
    description = make_layer({}, WEEK, ["okta", "sentinelone"])["description"]
    assert description == (
        "Detections delivered to Recorded Future, 2026-03-03 12:00 to 2026-03-10 12:00 UTC, by okta, sentinelone."
    )


def test_schema_refuses_what_the_format_does_not_know() -> None:
    layer = make_layer({"T1110": 1}, WEEK, [])
    layer["techniques"][0]["tecniqueID"] = "T1110"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(layer, LAYER_SCHEMA)
