"""Cutting pages into elements."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import UnreadableAnswerError
from ci_operators.transport.elements import cut_elements, decode_answer

DECODER = msgspec.json.Decoder(list[msgspec.Raw])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON_VALUES, max_size=5), st.sampled_from([None, 2, "\r\n"]))
def test_elements_are_whole_and_each_on_one_line(values: list[Any], indent: int | str | None) -> None:
    elements = cut_elements(decode_answer(json.dumps(values, indent=indent).encode(), DECODER, "Okta"))
    assert [json.loads(element) for element in elements] == values
    assert not any(b"\n" in element or b"\r" in element for element in elements)


def test_bytes_of_an_element_on_one_line_are_kept() -> None:
    assert cut_elements(DECODER.decode(b'[ {"a":  1.0} ,"\xff"]')) == [b'{"a":  1.0}', b'"\xff"']


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty body"),
        (b" \n ", "an empty body"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\n<html><head>", "an HTML page"),
        (b'[{"a":', "6 bytes that are not the expected JSON"),
        (b'{"a": 1}', "8 bytes that are not the expected JSON"),
        (b"[" * 100_000, "100000 bytes that are not the expected JSON"),
        (b'["\xff', "3 bytes that are not the expected JSON"),
    ],
)
def test_other_answers_are_described(body: bytes, what: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=f"Okta answered 200 with {what}"):
        decode_answer(body, DECODER, "Okta")


@given(st.binary())
def test_any_bytes_are_elements_or_unreadable(body: bytes) -> None:
    try:
        elements = cut_elements(decode_answer(body, DECODER, "Okta"))
    except UnreadableAnswerError:
        return
    assert all(isinstance(element, bytes) for element in elements)
