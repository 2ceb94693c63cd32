"""MITRE ATT&CK for Enterprise v18.1: techniques and tactics, and the techniques that it has retired.

© 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE
Corporation.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from ci_operators.core.attack import AttackTable
from ci_operators.core.attack_matrix import Matrix, Technique

#: ATT&CK's release that the tables hold.
VERSION = "18"


@cache
def attack_table() -> AttackTable:
    """Return the table that this package ships."""
    techniques = frozenset(row["technique_id"] for row in _rows("attack_techniques.csv"))
    tactics = {row["shortname"]: row["tactic_id"] for row in _rows("attack_tactics.csv")}
    retired = {row["technique_id"]: row["successor_id"] for row in _rows("attack_retired.csv")}
    return AttackTable(techniques=techniques, tactics=tactics, retired=retired)


@cache
def attack_matrix() -> Matrix:
    """Return the same as a matrix with names."""
    techniques = [
        Technique(row["technique_id"], row["name"], tuple(row["tactic_ids"].split()))
        for row in _rows("attack_techniques.csv")
    ]
    return Matrix.of(attack_table().tactics, techniques)


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
