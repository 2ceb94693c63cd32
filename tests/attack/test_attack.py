"""The edition of ATT&CK that the package ships, and one that replaces it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ci_operators.attack import attack_edition, attack_matrix, attack_table, shipped_edition, use_edition
from ci_operators.attack.edition import Content, write_content
from ci_operators.core.errors import ConfigurationError
from ci_operators.sources.okta.mapping import load_reasons


def test_techniques_and_tactics_are_those_of_attack_for_enterprise() -> None:
    table = attack_table()
    assert len(table.techniques) == 691
    assert len(table.tactics) == 14
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", code) for code in table.techniques)
    assert all(re.fullmatch(r"TA\d{4}", code) for code in table.tactics.values())
    assert {"T1110.001", "T1110.003", "T1110.004", "T1055.012", "T1059.013", "T1071.005"} <= table.techniques


def test_retired_techniques_have_an_active_successor_or_none() -> None:
    table = attack_table()
    assert len(table.retired) == 144
    assert not table.techniques & table.retired.keys()
    assert set(table.retired.values()) - {""} <= table.techniques
    assert table.retired["T1086"] == "T1059.001"
    assert table.retired["T1060"] == "T1547.001"
    assert table.retired["T1064"] == ""


def test_every_sub_technique_has_its_technique() -> None:
    techniques = attack_table().techniques
    assert {code.partition(".")[0] for code in techniques} <= techniques


def test_tactics_are_found_by_the_names_that_vendors_write() -> None:
    names = ["Initial Access", "Execution", "Persistence", "Privilege Escalation", "Defense Evasion"]
    names += ["Credential Access", "Discovery", "Lateral Movement", "Collection", "Exfiltration", "Command and Control"]
    names += ["Impact", "Reconnaissance", "Resource Development"]
    assert {attack_table().find_tactic(name) for name in names} == set(attack_table().tactics.values())


def test_the_table_is_read_once() -> None:
    assert attack_table() is attack_table()


def test_matrix_names_every_technique_and_its_tactics() -> None:
    matrix = attack_matrix()
    assert set(matrix.techniques) == attack_table().techniques
    assert {tactic.id for tactic in matrix.tactics} == set(attack_table().tactics.values())
    assert all(set(each.tactics) <= set(attack_table().tactics.values()) for each in matrix.techniques.values())
    assert matrix.techniques["T1053"].tactics == ("TA0002", "TA0003", "TA0004")
    assert matrix.techniques["T1110.003"].name == "Password Spraying"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The file of an edition with a technique that the shipped one lacks."""
    path = tmp_path / "attack.json"
    write_content(make_content("T9999"), path)
    return path


def make_content(code: str) -> Content:
    techniques = {each: ("Name", ["TA0006"]) for each in ("T1110.001", "T1110.003", "T1110.004", code)}
    return Content("19.0", techniques, {"credential-access": "TA0006"}, {"T1059": ""})


def test_a_newer_edition_takes_the_place_of_the_shipped_one(newer: Path) -> None:
    assert str(attack_edition()) == "version 18.1, shipped with this package"
    use_edition(newer)
    assert str(attack_edition()) == f"version 19.0, from {newer}"
    assert "T9999" in attack_table().codes
    assert attack_matrix().find("T9999") is not None
    assert attack_table() is attack_table()
    use_edition(None)
    assert attack_edition() is shipped_edition()
    assert "T9999" not in attack_table().codes


def test_a_file_that_changes_is_read_again(newer: Path) -> None:
    use_edition(newer)
    first = attack_edition()
    use_edition(newer)
    assert attack_edition() is first
    write_content(make_content("T9998"), newer)
    os.utime(newer, ns=(1, 1))
    use_edition(newer)
    assert "T9998" in attack_table().codes


def test_tables_of_phrases_are_read_by_the_edition_in_use(newer: Path) -> None:
    """One of them gives a code that the edition has retired without a successor."""
    notes: list[str] = []
    assert load_reasons(None).find_codes("Login Failures", notes.append) == ["T1110.001"]
    content = make_content("T9999")
    del content.techniques["T1110.001"]  # type: ignore[attr-defined]
    content.retired["T1110.001"] = ""
    write_content(content, newer)
    use_edition(newer)
    assert load_reasons(None).find_codes("Login Failures", notes.append) == []
    assert notes == ["withdrawn_technique"]


def test_a_wrong_file_leaves_the_shipped_edition_in_use(newer: Path) -> None:
    use_edition(newer)
    for path in (newer.parent, newer.parent / "absent.json"):
        with pytest.raises(ConfigurationError, match="is not a table of ATT&CK"):
            use_edition(path)
        assert attack_edition() is shipped_edition()
