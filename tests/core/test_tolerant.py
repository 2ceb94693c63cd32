"""Objects whose members have other types than documented."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ci_operators.core.tolerant import make_reader, read_text

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=8,
)


class Inner(Struct, frozen=True):
    a: str | None = None


class Outer(Struct, frozen=True, rename={"d": "renamed"}):
    a: str | None = None
    b: Inner | None = None
    c: list[Inner | None] | None = None
    d: str | None = None


class Plain(Struct, frozen=True):
    texts: list[str | None] | None = None
    number: int | str | None = None


read = make_reader(Outer)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (7, "7"), (1.5, "1.5"), (True, "true"), (False, "false"), (None, None), ([], None), ({}, None)],
)
def test_plain_values_are_text(value: object, text: str | None) -> None:
    assert read_text(value) == text
    found = read(json.dumps({"a": value, "b": {"a": value}}).encode())
    assert found is not None
    assert (found.a, found.b) == (text, Inner(text))


def test_documented_types_are_read_as_they_are() -> None:
    whole = Outer("x", Inner("y"), [Inner("z"), None], "w")
    assert read(b'{"a": "x", "b": {"a": "y"}, "c": [{"a": "z"}, null], "renamed": "w", "new": 1}') == whole


def test_a_list_holds_the_plain_values_among_its_items() -> None:
    read_plain = make_reader(Plain)
    assert read_plain(b'{"texts": ["x", null]}') == Plain(["x", None])
    assert read_plain(b'{"texts": ["x", 7, null, [], {"a": "y"}]}') == Plain(["x", "7"])


def test_a_number_is_read_as_documented_or_as_text() -> None:
    read_plain = make_reader(Plain)
    assert read_plain(b'{"number": 70}') == Plain(number=70)
    assert read_plain(b'{"number": "70"}') == Plain(number="70")
    assert read_plain(b'{"number": 70.5}') == Plain([], "70.5")


def test_values_that_do_not_fit_are_absent() -> None:
    assert read(b'{"a": [], "b": "text", "c": [{"a": 1}, "b", null], "renamed": 2}') == Outer(c=[Inner("1")], d="2")
    assert read(b'{"a": 1, "c": "text"}') == Outer(a="1", c=[])


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b'"a"', b"{", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": %s}' % (b"9" * 5000)]
)
def test_what_is_not_an_object_is_none(text: bytes) -> None:
    assert read(text) is None


def test_surrogates_invalid_utf8_and_non_json_numbers_are_read() -> None:
    assert read(rb'{"a": "a\ud800b"}') == Outer(a="a?b", c=[])
    assert read(b'{"a": "\xff", "b": {"a": NaN}, "renamed": 1e999}') == Outer("\ufffd", Inner("nan"), [], "inf")


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "renamed"]), JSON_VALUES))
def test_an_object_is_always_read_and_can_be_sent_on(members: dict[str, object]) -> None:
    found = read(json.dumps(members).encode())
    assert found is not None
    (found.a or "").encode()
