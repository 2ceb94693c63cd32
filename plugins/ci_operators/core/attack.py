"""Reads ATT&CK codes in all forms that sources use, and finds the active code to send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ci_operators.core.verdict import Note

#: Notes on retired techniques: code -> sentence. Every source with ATT&CK codes has these.
NOTES = {
    "replaced_technique": "ATT&CK replaced the technique. The code of its successor is sent.",
    "withdrawn_technique": "ATT&CK withdrew the technique without a successor. No code is sent for it.",
}

_TECHNIQUE = re.compile(r"T\d{4}(?:[./]\d{3})?", re.ASCII)
_TECHNIQUE_LINK = re.compile(r"/techniques/(T\d{4})(?:[./](\d{3}))?/?(?:[?#]|\Z)", re.ASCII | re.IGNORECASE)
_TACTIC = re.compile(r"TA\d{4}", re.ASCII)
#: The most characters of a name or link that the cache keeps.
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class AttackTable:
    """The codes of ATT&CK for Enterprise.

    techniques: active ids. tactics: ids by short name. retired: revoked and deprecated techniques, each with the
    active one that ATT&CK names as its successor, or "".
    """

    techniques: frozenset[str]
    tactics: dict[str, str]
    retired: dict[str, str]

    @cached_property
    def codes(self) -> frozenset[str]:
        """Return all active techniques and tactics."""
        return self.techniques.union(self.tactics.values())

    def has_code(self, code: str) -> bool:
        """Return whether this is the id of a technique or tactic, active or retired."""
        return code in self.codes or code in self.retired

    def find_current(self, code: str | None, note: Note) -> str | None:
        """Return the active code to send for `code`, None if there is none. Adds a note if `code` is not active."""
        if code in self.codes:
            return code
        successor = self.retired.get(code or "")
        if successor is None:
            note("unknown_technique")
            return None
        note("replaced_technique" if successor else "withdrawn_technique")
        return successor or None

    def find_tactic(self, name: str) -> str | None:
        """Return the tactic id for a name like "Credential Access", "credential-access" or "TA0006"."""
        text = name.strip()
        if _TACTIC.fullmatch(text.upper()):
            return text.upper() if text.upper() in self.tactics.values() else None
        return self.tactics.get("-".join(text.lower().replace("-", " ").replace("_", " ").split()))


def read_technique(name: str | None, link: str | None = None) -> str | None:
    """Return the technique id in a name ("t1055.012", "T1055/012"), or else in an ATT&CK link."""
    if len(name or "") + len(link or "") > _LONGEST_TEXT:
        return _read_technique.__wrapped__(name, link)
    return _read_technique(name, link)


@lru_cache(maxsize=4096)  # the same few techniques occur again and again
def _read_technique(name: str | None, link: str | None) -> str | None:
    text = (name or "").strip().upper()
    if _TECHNIQUE.fullmatch(text):
        return text.replace("/", ".")
    found = _TECHNIQUE_LINK.search(link) if link else None
    if found is None:
        return None
    return ".".join(part for part in found.groups() if part).upper()
