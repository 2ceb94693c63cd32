"""ATT&CK codes in the forms in which vendors write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.attack import attack_table
from ci_operators.core.attack import NOTES, AttackTable, read_technique

TABLE = AttackTable(
    techniques=frozenset({"T1055", "T1055.012"}),
    tactics={"credential-access": "TA0006"},
    retired={"T1093": "T1055.012", "T1064": ""},
)


@pytest.mark.parametrize(
    ("name", "link", "code"),
    [
        ("T1055", None, "T1055"),
        ("T1055.012", None, "T1055.012"),
        (" t1055.012 ", None, "T1055.012"),
        ("T1055/012", None, "T1055.012"),
        ("Process Hollowing", "https://attack.mitre.org/techniques/T1055/012", "T1055.012"),
        (None, "https://attack.mitre.org/techniques/T1053/005/", "T1053.005"),
        ("", "https://attack.mitre.org/techniques/T1106/", "T1106"),
        (None, "https://attack.mitre.org/techniques/T1059.001/", "T1059.001"),
        (None, "https://attack.mitre.org/techniques/T1059.001", "T1059.001"),
        (None, "https://attack.mitre.org/techniques/t1059.001?view=1", "T1059.001"),
        (None, "https://attack.mitre.org/techniques/T1059.0011", None),
        (None, "https://attack.mitre.org/techniques/T1059.", None),
        ("", "https://attack.mitre.org/techniques/t1106?view=1", "T1106"),
        ("", "https://attack.mitre.org/techniques/T1106#detection", "T1106"),
        ("T1055", "https://attack.mitre.org/techniques/T1106/", "T1055"),
        ("123", "https://example.com/", None),
        ("T105", None, None),
        ("T10555", None, None),
        ("T1055.12", None, None),
        ("T\u0661\u0660\u0665\u0665", None, None),
        (None, "https://attack.mitre.org/techniques/T1055/0123", None),
        (None, None, None),
        ("string", "string", None),
    ],
)
def test_technique_is_read_from_name_or_link(name: str | None, link: str | None, code: str | None) -> None:
    assert read_technique(name, link) == code


@given(st.sampled_from(sorted(attack_table().techniques)), st.booleans(), st.booleans())
def test_every_known_technique_is_read_in_every_form(code: str, is_lower: bool, has_slash: bool) -> None:
    written = code.replace(".", "/") if has_slash else code
    written = written.lower() if is_lower else written
    assert read_technique(written) == code
    assert read_technique("a name", f"https://attack.mitre.org/techniques/{written}") == code
    assert read_technique("a name", f"https://attack.mitre.org/techniques/{written}/") == code


@given(st.text() | st.none(), st.text() | st.none())
def test_reading_a_technique_never_raises(name: str | None, link: str | None) -> None:
    code = read_technique(name, link)
    assert code is None or code.startswith("T")


@pytest.mark.parametrize("name", ["Credential Access", "credential-access", " CREDENTIAL_ACCESS ", "TA0006", "ta0006"])
def test_tactic_is_found_by_name_or_id(name: str) -> None:
    assert TABLE.find_tactic(name) == "TA0006"


@pytest.mark.parametrize("name", ["", "TA9999", "Credentials", "TA0006x"])
def test_unknown_tactic_is_none(name: str) -> None:
    assert TABLE.find_tactic(name) is None


def test_table_knows_techniques_and_tactics() -> None:
    assert TABLE.has_code("T1055.012")
    assert TABLE.has_code("TA0006")
    assert TABLE.has_code("T1064"), "a retired code was one"
    assert not TABLE.has_code("T1110")


@pytest.mark.parametrize(
    ("code", "current", "notes"),
    [
        ("T1055", "T1055", []),
        ("TA0006", "TA0006", []),
        ("T1093", "T1055.012", ["replaced_technique"]),
        ("T1064", None, ["withdrawn_technique"]),
        ("T9999", None, ["unknown_technique"]),
        (None, None, ["unknown_technique"]),
    ],
)
def test_a_retired_code_becomes_its_successor_or_is_left_out(
    code: str | None, current: str | None, notes: list[str]
) -> None:
    noted: list[str] = []
    assert TABLE.find_current(code, noted.append) == current
    assert noted == notes
    assert {*notes} <= {"unknown_technique", *NOTES}


def test_long_texts_are_read_but_not_remembered() -> None:
    link = "https://attack.mitre.org/techniques/T1055/012/" + "?" + "x" * 1000
    assert read_technique("an odd name " * 100, link) == "T1055.012"
