"""The table from phrases to ATT&CK codes: the shipped one and one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import ConfigurationError
from ci_operators.sources.okta.mapping import mapping_for
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.okta.outcome_reasons import find_codes, load_reasons
from tests.sources.okta.specimens import threat_event

SHIPPED = {
    "password spray": "T1110.003",
    "login failures with high unknown users count": "T1110.004",
    "login failures": "T1110.001",
}


def test_the_shipped_table_is_the_published_one() -> None:
    assert load_reasons() == SHIPPED


@given(st.lists(st.sampled_from(sorted(SHIPPED)), max_size=5), st.sampled_from([str.upper, str.title, str.swapcase]))
def test_phrases_count_whole_in_any_order_and_case_and_once(phrases: list[str], change: object) -> None:
    assert callable(change)
    notes: list[str] = []
    codes = find_codes(" ,  ".join(change(phrase) for phrase in phrases), load_reasons(), notes.append)
    assert codes == list(dict.fromkeys(SHIPPED[phrase] for phrase in phrases))
    assert notes == []


@given(st.text())
def test_any_reason_gives_known_codes_and_notes(reason: str) -> None:
    notes: list[str] = []
    assert set(find_codes(reason, load_reasons(), notes.append)) <= set(SHIPPED.values())
    assert set(notes) <= {"unknown_outcome_reason"}


def test_unknown_phrases_are_noted_each() -> None:
    notes: list[str] = []
    assert find_codes("Bad Luck, Password Spray, login failures with", load_reasons(), notes.append) == ["T1110.003"]
    assert notes == ["unknown_outcome_reason"] * 2
    assert find_codes(None, load_reasons(), notes.append) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_of_ones_own_replaces_the_shipped_one(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / f"{encoding}.csv"
    path.write_text("phrase,code\n Bad  LUCK ,t1110\nPassword Spray,TA0006\n", encoding=encoding)
    step = mapping_for(OktaConnector(name="acme", outcome_reasons_file=str(path)), lambda _: None)
    mapped = step(json.dumps(threat_event(outcome={"reason": "bad luck, Password Spray, Login Failures"})).encode())
    assert isinstance(mapped, bytes)
    assert json.loads(mapped)["mitre_codes"] == ["T1110", "TA0006"]


def test_codes_that_attack_has_retired_may_be_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "reasons.csv"
    path.write_text("phrase,code\nOld Shell,T1086\nOld Script,T1064\nPowerShell,T1059.001\n", encoding="utf-8")
    notes: list[str] = []
    codes = find_codes("Old Shell, PowerShell, Old Script", load_reasons(str(path)), notes.append)
    assert codes == ["T1059.001"]
    assert notes == ["replaced_technique", "withdrawn_technique"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"phrase,code\nBad Luck,T9999\n", "line 2: needs a phrase and an ATT&CK code, has 'Bad Luck' and 'T9999'"),
        (b"phrase,code\nPassword Spray,T1110\n,T1110\n", "line 3: needs a phrase"),
        (b"phrase;code\nBad Luck;T1110\n", "line 2: needs a phrase"),
        (b"Bad Luck,T1110\nGood Luck,T1110\n", "line 2: needs a phrase"),
        (b"phrase,code\n\xff\n", "cannot be read"),
    ],
)
def test_a_wrong_table_is_named_with_file_and_line(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "reasons.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load_reasons(str(path))
    assert str(path) in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"reasons\.csv: cannot be read"):
        load_reasons(str(tmp_path / "reasons.csv"))
