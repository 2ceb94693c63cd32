"""ATT&CK's matrix as people read it: tactics in their order, techniques with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: From first reconnaissance to impact, as MITRE prints the matrix; ids do not follow that order.
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
        """Return the name that MITRE prints, such as Command and Control."""
        return " ".join(word if word == "and" else word.capitalize() for word in self.shortname.split("-"))


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique or sub-technique, with the tactics that it serves."""

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
        """Return the matrix of tactic ids by short name and techniques; an unknown tactic stands at the end."""
        found = [Tactic(id, shortname) for shortname, id in tactics.items()]
        found.sort(key=lambda tactic: (_ORDER.index(tactic.id) if tactic.id in _ORDER else len(_ORDER), tactic.id))
        return cls(found, {technique.id: technique for technique in techniques})

    def find(self, code: str) -> Technique | None:
        """Return the technique with this id, None for a tactic's id or one that ATT&CK no longer has."""
        return self.techniques.get(code)
