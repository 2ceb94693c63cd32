"""Finding names anywhere in an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.recorded_future.dropped import find_named
from simulator.settings import RECORDED_FUTURE_TOKEN
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

NAMES = {"aa": "ip", "bb": "ip"}


def cut(words: str, length: int) -> str:
    return words[:length]


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
def test_names_are_found_with_their_notes(answer: Any, found: dict[str, str]) -> None:
    assert find_named(json.dumps(answer).encode(), NAMES, cut) == found


def test_notes_are_short() -> None:
    assert len(find_named(json.dumps({"aa": "x" * 5000}).encode(), NAMES, cut)["aa"]) == 300


def test_notes_are_quoted_as_all_of_a_vendor_s_words(session: NotingSession, virtual_time: VirtualTime) -> None:
    """None of them has line breaks, escapes, the token, or NUL, which databases refuse."""
    client = LIVE.connect("http://127.0.0.1:9", session, virtual_time)
    answer = json.dumps({"aa": f"too\0 old\nforged\x1b {RECORDED_FUTURE_TOKEN}"}).encode()
    assert find_named(answer, NAMES, client.quote) == {"aa": "named in the answer: too old forged\ufffd ***"}


@pytest.mark.parametrize("body", [b"", b"<html>aa</html>", b"\xff", b"[" * 100_000])
def test_invalid_json_names_nothing(body: bytes) -> None:
    assert find_named(body, NAMES, cut) == {}


@given(st.binary())
def test_any_body_can_be_searched(body: bytes) -> None:
    assert isinstance(find_named(body, NAMES, cut), dict)
