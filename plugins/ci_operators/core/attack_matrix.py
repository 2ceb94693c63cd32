"""ATT&CK's matrix for display: tactics in their order, techniques with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: The order of the tactics in MITRE's matrix, from reconnaissance to impact; their ids do not follow it.
_ORDER = (
    "TA0043",
    "TA0042",
    "TA0001",
    "TA0002",
    "TA0003",
    "TA0004",
    "TA0005",
    "TA0006",
    "TA0007",
    "TA0008",
    "TA0009",
    "TA0011",
    "TA0010",
    "TA0040",
)


@dataclass(frozen=True, slots=True)
class Tactic:
    """A column of the matrix."""

    id: str
    shortname: str

    @property
    def name(self) -> str:
        """Return the name in MITRE's matrix, such as Command and Control."""
        return " ".join(word if word == "and" else word.capitalize() for word in self.shortname.split("-"))


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique or sub-technique, with its tactics."""

    id: str
    name: str
    tactics: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """All tactics and techniques."""

    tactics: Sequence[Tactic]
    techniques: Mapping[str, Technique]

    @classmethod
    def of(cls, tactics: Mapping[str, str], techniques: Sequence[Technique]) -> Matrix:
        """Return the matrix of tactics (ids by short name) and techniques; an unknown tactic comes last."""
        found = [Tactic(id, shortname) for shortname, id in tactics.items()]
        found.sort(key=lambda tactic: (_ORDER.index(tactic.id) if tactic.id in _ORDER else len(_ORDER), tactic.id))
        return cls(found, {technique.id: technique for technique in techniques})

    def find(self, code: str) -> Technique | None:
        """Return the technique with this id, None for a tactic or an id that ATT&CK no longer has."""
        return self.techniques.get(code)
