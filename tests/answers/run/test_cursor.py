"""A cursor comes back as it was given; another one is refused, never followed."""

from __future__ import annotations

import base64

import pytest

from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.run.cursor import Cursor, fingerprint, read_cursor, write_cursor

CURSOR = Cursor("question", "filter.dropped", 4096, 100, 700, "")


def test_it_comes_back() -> None:
    text = write_cursor(CURSOR)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert read_cursor(text, "question") == CURSOR


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "%%%",
        "é",
        "\ud800",
        "a" * 2000,
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(b'["question"]').decode(),
        base64.urlsafe_b64encode(b'["question","f","1"]').decode(),
        base64.urlsafe_b64encode(b'["question","f",-1]').decode(),
        base64.urlsafe_b64encode(b'["question","f",99999999999999999999999]').decode(),
        base64.urlsafe_b64encode(b'["question","f",1,1,1,"","more"]').decode(),
        write_cursor(CURSOR)[:-3],
    ],
)
def test_a_broken_one_is_refused(text: str) -> None:
    with pytest.raises(WrongQuestionError, match="begin again with the first page"):
        read_cursor(text, "question")


def test_one_of_other_filters_is_refused() -> None:
    with pytest.raises(WrongQuestionError, match="other filters"):
        read_cursor(write_cursor(CURSOR), "another")


def test_fingerprints_tell_filters_apart() -> None:
    assert fingerprint("a", "bc") != fingerprint("ab", "c")
    assert fingerprint("a", None) != fingerprint("a", "")
    assert fingerprint("a", "b") == fingerprint("a", "b")
