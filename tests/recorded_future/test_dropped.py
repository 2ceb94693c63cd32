"""Finding names anywhere in an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.recorded_future.dropped import find_named

NAMES = {"aa": "ip", "bb": "ip"}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({}, {}),
        ({"dropped": ["aa"]}, {"aa": "named in dropped"}),
        ({"dropped": {"aa": "too old"}}, {"aa": "named in dropped: too old"}),
        ({"x": {"bb": {"code": 7}}}, {"bb": 'named in x: {"code":7}'}),
        ([{"transient_id": "bb", "message": "too old"}], {"bb": "named in transient_id: too old"}),
        ("aa", {"aa": "named in the answer"}),
        ({"other": ["aaa", 7, None, "a"]}, {}),
    ],
)
def test_names_are_found_with_what_stands_beside_them(answer: Any, found: dict[str, str]) -> None:
    assert find_named(json.dumps(answer).encode(), NAMES) == found


def test_notes_are_short() -> None:
    assert len(find_named(json.dumps({"aa": "x" * 5000}).encode(), NAMES)["aa"]) == 300


def test_notes_hold_no_nul() -> None:
    assert find_named(b'{"aa":"too\\u0000 old"}', NAMES) == {"aa": "named in the answer: too old"}


@pytest.mark.parametrize("body", [b"", b"<html>aa</html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_names_nothing(body: bytes) -> None:
    assert find_named(body, NAMES) == {}


@given(st.binary())
def test_any_body_can_be_looked_through(body: bytes) -> None:
    assert isinstance(find_named(body, NAMES), dict)
