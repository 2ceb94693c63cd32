"""Tables from phrases to ATT&CK codes: the shipped one and custom ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import ConfigurationError
from ci_operators.sources.code_table import CodeTable, load_codes
from ci_operators.sources.okta.mapping import load_reasons
from ci_operators.sources.okta.options import OktaConnector

SHIPPED = {
    "password spray": "T1110.003",
    "login failures with high unknown users count": "T1110.004",
    "login failures": "T1110.001",
}


def look_up(reason: str, codes: Mapping[str, str] = SHIPPED) -> tuple[list[str], list[str]]:
    """Return the codes of a list of phrases, and the notes."""
    notes: list[str] = []
    return CodeTable(codes, "unknown_phrase").find_codes(reason, notes.append), notes


def test_the_shipped_table_is_the_published_one() -> None:
    assert load_reasons(None).codes == SHIPPED


@given(st.lists(st.sampled_from(sorted(SHIPPED)), max_size=5), st.sampled_from([str.upper, str.title, str.swapcase]))
def test_phrases_count_whole_in_any_order_and_case_and_once(phrases: list[str], change: Callable[[str], str]) -> None:
    codes = list(dict.fromkeys(SHIPPED[phrase] for phrase in phrases))
    assert look_up(" ,  ".join(change(phrase) for phrase in phrases)) == (codes, [])


@given(st.text())
def test_any_text_gives_known_codes_and_notes(text: str) -> None:
    codes, notes = look_up(text)
    assert set(codes) <= set(SHIPPED.values())
    assert set(notes) <= {"unknown_phrase"}


def test_unknown_phrases_are_noted_each() -> None:
    assert look_up("Bad Luck, Password Spray, login failures with") == (["T1110.003"], ["unknown_phrase"] * 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_may_hold_codes_that_attack_has_retired(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / f"{encoding}.csv"
    path.write_text("phrase,code\n Old  SHELL ,t1086\nOld Script,T1064\nPowerShell,T1059.001\n", encoding=encoding)
    codes, notes = look_up(
        "old shell, PowerShell, Old Script",
        load_reasons(OktaConnector(name="acme", outcome_reasons_file=str(path))).codes,
    )
    assert codes == ["T1059.001"]
    assert notes == ["replaced_technique", "withdrawn_technique"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"phrase,code\nBad Luck,T9999\n", "line 2 of .* needs a phrase and an ATT&CK code, but has 'Bad Luck' and"),
        (b"phrase,code\nPassword Spray,T1110\n,T1110\n", "line 3 of .* needs a phrase"),
        (b"phrase;code\nBad Luck;T1110\n", "line 2 of .* needs a phrase"),
        (b"Bad Luck,T1110\nGood Luck,T1110\n", "line 2 of .* needs a phrase"),
        (b"phrase,code\n\xff\n", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_table_is_named_with_option_file_and_line(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "reasons.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load_codes(path, "outcome_reasons_file", "unknown_phrase")
    assert str(caught.value).startswith("outcome_reasons_file: ")
    assert str(path) in str(caught.value)
