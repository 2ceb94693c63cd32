"""MITRE ATT&CK for Enterprise: techniques and tactics, and retired techniques.

The shipped edition is v18.1. © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission
of The MITRE Corporation. `attack_table` in the connectors file names the file of a newer edition.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from ci_operators.attack.edition import Content, read_content
from ci_operators.core.attack import AttackTable
from ci_operators.core.attack_matrix import Matrix, Technique

SHIPPED_VERSION = "18.1"


@dataclass(frozen=True, eq=False)
class Edition:
    """A release of ATT&CK, as a table and as a matrix. path: its file, None for the shipped one."""

    version: str
    table: AttackTable
    matrix: Matrix
    path: Path | None = None

    def __str__(self) -> str:
        return f"version {self.version}, {f'from {self.path}' if self.path else 'shipped with this package'}"


def attack_table() -> AttackTable:
    """Return the table of the edition in use."""
    return attack_edition().table


def attack_matrix() -> Matrix:
    """Return the matrix of the edition in use."""
    return attack_edition().matrix


def attack_edition() -> Edition:
    """Return the edition in use: that of `attack_table` in the connectors file, else the shipped one."""
    return _chosen or shipped_edition()


def use_edition(path: Path | None) -> None:
    """Use the edition in a file in this process from now on, or the shipped one if `path` is None.

    Raises ConfigurationError unless `python -m ci_operators attack-table` wrote the file.
    """
    global _chosen
    _chosen = None
    if path is not None:
        changed_ns = path.stat().st_mtime_ns if path.exists() else 0
        _chosen = _load(path, changed_ns)


_chosen: Edition | None = None


@cache
def shipped_edition() -> Edition:
    """Return the edition in this package."""
    return _make(
        Content(
            SHIPPED_VERSION,
            {row["technique_id"]: (row["name"], row["tactic_ids"].split()) for row in _rows("attack_techniques.csv")},
            {row["shortname"]: row["tactic_id"] for row in _rows("attack_tactics.csv")},
            {row["technique_id"]: row["successor_id"] for row in _rows("attack_retired.csv")},
        )
    )


@lru_cache(maxsize=2)
def _load(path: Path, changed_ns: int) -> Edition:
    del changed_ns  # it is in the cache key, so that a changed file is read again
    return _make(read_content(path), path)


def _make(content: Content, path: Path | None = None) -> Edition:
    techniques = [Technique(code, name, tuple(tactics)) for code, (name, tactics) in content.techniques.items()]
    table = AttackTable(frozenset(content.techniques), content.tactics, content.retired)
    return Edition(content.version, table, Matrix.of(content.tactics, techniques), path)


def _rows(name: str) -> list[dict[str, str]]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
