"""Reading a JSON object whose members are not of the types they should have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Loose:
    """A JSON object, asked member by member; a member of the wrong kind is absent."""

    members: dict[str, Any]

    def text(self, key: str) -> str | None:
        """Return a plain value (text, number, boolean) as text, None for null, lists and objects."""
        value = self.members.get(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be sent on
        return str(value) if isinstance(value, int | float) else None

    def child(self, key: str) -> Loose | None:
        """Return an object member, None for anything else."""
        value = self.members.get(key)
        return Loose(value) if isinstance(value, dict) else None

    def children(self, key: str) -> list[Loose]:
        """Return the objects of a list member; what is no object in it is left out."""
        value = self.members.get(key)
        return [Loose(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def read_loosely(text: bytes) -> Loose | None:
    """Return the JSON object that `text` holds, None if it holds none.

    The standard library's decoder is asked, since it takes what stricter ones refuse (lone surrogates, NaN,
    long numbers); bytes that are no UTF-8 become replacement characters.
    """
    try:
        value = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return Loose(value) if isinstance(value, dict) else None
