"""Objects whose members are of other types than they should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.loose import Loose, read_loosely

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (7, "7"), (1.5, "1.5"), (True, "true"), (False, "false"), (None, None), ([], None), ({}, None)],
)
def test_plain_values_are_text(value: object, text: str | None) -> None:
    assert Loose({"key": value}).text("key") == text


def test_absent_member_is_none() -> None:
    assert Loose({}).text("key") is None
    assert Loose({}).child("key") is None
    assert Loose({}).children("key") == []


def test_lone_surrogates_become_question_marks() -> None:
    read = read_loosely(rb'{"key": "a\ud800b"}')
    assert read is not None
    assert read.text("key") == "a?b"


def test_only_objects_are_children() -> None:
    loose = Loose({"one": {"a": 1}, "many": [{"a": 1}, "b", None], "text": "c"})
    assert loose.child("one") == Loose({"a": 1})
    assert loose.child("text") is None
    assert loose.children("many") == [Loose({"a": 1})]
    assert loose.children("text") == []


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b'"a"', b"{", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": %s}' % (b"9" * 5000)]
)
def test_what_is_no_object_is_none(text: bytes) -> None:
    assert read_loosely(text) is None


def test_bytes_that_are_no_utf8_and_numbers_json_lacks_are_read() -> None:
    read = read_loosely(b'{"a": "\xff", "b": NaN, "c": 1e999}')
    assert read is not None
    assert (read.text("a"), read.text("b"), read.text("c")) == ("\ufffd", "nan", "inf")


@given(st.dictionaries(st.text(max_size=5), JSON_VALUES))
def test_asking_never_raises(members: dict[str, object]) -> None:
    loose = Loose(members)
    for key in [*members, "absent"]:
        (loose.text(key) or "").encode()  # raises on what could not be sent on
        loose.child(key)
        assert all(isinstance(child, Loose) for child in loose.children(key))
