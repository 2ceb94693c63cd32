"""The ATT&CK matrix as it is printed."""

from __future__ import annotations

from ci_operators.core.attack_matrix import Matrix, Tactic, Technique

TACTICS = {"exfiltration": "TA0010", "command-and-control": "TA0011", "reconnaissance": "TA0043", "new": "TA0099"}


def test_tactics_are_in_the_order_of_the_printed_matrix_with_new_ones_last() -> None:
    matrix = Matrix.of(TACTICS, [])
    assert [tactic.id for tactic in matrix.tactics] == ["TA0043", "TA0011", "TA0010", "TA0099"]


def test_tactics_have_the_names_that_mitre_prints() -> None:
    assert Tactic("TA0011", "command-and-control").name == "Command and Control"


def test_technique_is_found_by_its_code() -> None:
    spray = Technique("T1110.003", "Password Spraying", ("TA0006",))
    matrix = Matrix.of(TACTICS, [spray])
    assert matrix.find("T1110.003") is spray
    assert matrix.find("TA0006") is None
