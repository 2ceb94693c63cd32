"""Events as they are shown: always JSON that a browser can read, and cut if it is too long."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.answers.event.view import DEEPEST, LONGEST_TEXT, MOST_CHARACTERS, MOST_MEMBERS, view_record


def test_an_event_is_shown_as_it_is() -> None:
    event = {"a": [1, 2.5, None, True], "b": {"c": "<script>alert('x')</script>"}, "": "\0\u202e"}
    view = view_record(json.dumps(event).encode())
    assert (view.value, view.truncated, view.is_json) == (event, False, True)


def test_a_huge_field_is_cut_and_marked() -> None:
    view = view_record(json.dumps({"x": "y" * 5_000_000, "z": 1}).encode())
    assert view.truncated
    assert view.value["x"] == "y" * LONGEST_TEXT + "… (5000000 characters, cut here)"
    assert view.value["z"] == 1


def test_many_members_are_cut_and_marked() -> None:
    view = view_record(json.dumps({"list": list(range(9999)), **{str(number): 0 for number in range(999)}}).encode())
    assert view.truncated
    assert view.value["list"][-1] == f"… ({9999 - MOST_MEMBERS} more, not shown)"
    assert view.value["…"] == f"{1000 - MOST_MEMBERS} more members, not shown"


def test_depth_bombs_end() -> None:
    view = view_record(b"[" * 900 + b"]" * 900)
    assert view.truncated
    assert view.is_json
    assert json.dumps(view.value).count("[") == DEEPEST
    bomb = view_record(b"[" * 100_000 + b"]" * 100_000)
    assert not bomb.is_json
    assert bomb.value.startswith("[[[")
    assert bomb.truncated


@pytest.mark.parametrize("text", [b"", b"<html>", b'{"a":', b"\xff\xfe", b"nul"])
def test_invalid_json_is_shown_as_text(text: bytes) -> None:
    view = view_record(text)
    assert not view.is_json
    assert isinstance(view.value, str)
    msgspec.json.encode(view)


def test_numbers_that_a_browser_would_change_are_strings() -> None:
    view = view_record(b'{"a":9007199254740993,"b":NaN,"c":-Infinity,"d":1e999,"e":-12,"f":true}')
    assert view.value == {"a": "9007199254740993", "b": "NaN", "c": "-Infinity", "d": "inf", "e": -12, "f": True}


def test_lone_surrogates_are_replaced() -> None:
    assert view_record(rb'{"\ud800":"a\udfff"}').value == {"?": "a?"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(_JSON | st.lists(st.text(min_size=3000), max_size=120))
def test_any_value_can_be_sent(value: Any) -> None:
    view = view_record(json.dumps(value).encode())
    assert len(msgspec.json.encode(view.value).decode()) < 8 * MOST_CHARACTERS
    json.dumps(view.value, allow_nan=False).encode()
    view_record(json.dumps([value] * 3).encode())
