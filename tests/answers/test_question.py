"""Whatever a person types is plain text, or one clear sentence."""

from __future__ import annotations

import pytest

from ci_operators.answers.question import LONGEST_QUESTION, WrongQuestionError, read_question


def test_spaces_around_do_not_count() -> None:
    assert read_question("  event-1\n") == "event-1"
    assert read_question("a%_*b'\"") == "a%_*b'\""


def test_what_no_database_takes_is_left_out() -> None:
    assert read_question("a\0b") == "ab"
    assert read_question("a\ud800b") == "a?b"


def test_a_question_has_an_end() -> None:
    assert read_question("x" * LONGEST_QUESTION)
    with pytest.raises(WrongQuestionError, match="The search has 401 characters; at most 400"):
        read_question("x" * (LONGEST_QUESTION + 1))
