"""The ATT&CK table that the package ships."""

from __future__ import annotations

import re

from ci_operators.attack import attack_matrix, attack_table


def test_techniques_and_tactics_are_those_of_attack_for_enterprise() -> None:
    table = attack_table()
    assert len(table.techniques) == 691
    assert len(table.tactics) == 14
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", code) for code in table.techniques)
    assert all(re.fullmatch(r"TA\d{4}", code) for code in table.tactics.values())
    assert {"T1110.001", "T1110.003", "T1110.004", "T1055.012", "T1059.013", "T1071.005"} <= table.techniques


def test_retired_techniques_lead_to_active_ones_or_to_none() -> None:
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
