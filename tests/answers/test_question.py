"""A person's input becomes plain text or one clear error, and the answer has a deadline."""

from __future__ import annotations

import math

import pytest

from ci_operators.answers.question import LONGEST_QUESTION, NEVER, Deadline, Limits, WrongQuestionError, read_question


def test_spaces_around_do_not_count() -> None:
    assert read_question("  event-1\n") == "event-1"
    assert read_question("a%_*b'\"") == "a%_*b'\""


def test_characters_that_databases_refuse_are_left_out() -> None:
    assert read_question("a\0b") == "ab"
    assert read_question("a\ud800b") == "a?b"


def test_a_question_has_a_maximum_length() -> None:
    assert read_question("x" * LONGEST_QUESTION)
    with pytest.raises(WrongQuestionError, match=r"The search has 401 characters\. Use at most 400"):
        read_question("x" * (LONGEST_QUESTION + 1))


def test_time_runs_out() -> None:
    now = 100.0
    deadline = Deadline.after(10.0, lambda: now)
    assert (deadline.left_s, deadline.is_over) == (10.0, False)
    now = 109.5
    assert (deadline.left_s, deadline.is_over) == (0.5, False)
    now = 110.0
    assert (deadline.left_s, deadline.is_over) == (0.0, True)
    now = 999.0
    assert (deadline.left_s, deadline.is_over) == (0.0, True)


def test_a_deadline_of_never_does_not_expire() -> None:
    assert (NEVER.left_s, NEVER.is_over) == (math.inf, False)
    assert NEVER.cut(Limits(seconds=3.0), 0.5).seconds == 3.0


def test_limits_are_cut_to_a_share_of_what_is_left() -> None:
    deadline = Deadline.after(8.0, lambda: 1.0)
    limits = deadline.cut(Limits(records=7, seconds=10.0), 0.5)
    assert (limits.records, limits.seconds, limits.clock()) == (7, 4.0, 1.0)
    assert deadline.cut(Limits(seconds=2.0)).seconds == 2.0
