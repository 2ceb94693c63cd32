from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.text import clean_text, storable


@given(st.text())
def test_clean_text_is_printable_and_stays_so(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned.isprintable()
    assert clean_text(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain words, 100 %", "plain words, 100 %"),
        ("one line\r\nERROR another\tcell", "one line  ERROR another cell"),
        ("a\0b \x1b[2J \ud800", "ab \ufffd[2J \ufffd"),
        ("right\u202eleft", "right\ufffdleft"),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_clean_text_keeps_the_allowed_characters() -> None:
    assert clean_text("a\nb\tc\x1b", keep="\n") == "a\nb c\ufffd"


@given(st.text())
def test_storable_text_has_no_nul_and_no_half_characters(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    assert stored.encode().decode() == stored
    assert storable(stored) == stored


def test_storable_changes_nothing_else() -> None:
    assert storable("tab\t, line\n, \x1b, \u202e, ü, 🙂, \\") == "tab\t, line\n, \x1b, \u202e, ü, 🙂, \\"
    assert storable("a\0b\ud800") == "ab?"
