"""A vendor's event or a detection for display: JSON values that every browser can read, cut where they are too long."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

#: The most characters of one text, members of one object or list, levels, and characters in total.
LONGEST_TEXT = 4000
MOST_MEMBERS = 500
DEEPEST = 40
MOST_CHARACTERS = 200_000
_LONGEST_NAME = 200
#: Larger numbers lose digits in a browser.
_SAFE = 1 << 53


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: a JSON value, or the text if it is not JSON; truncated: whether something was cut."""

    value: Any
    truncated: bool
    is_json: bool = True


def view_record(text: bytes) -> View:
    """Return a record for display. What is too long is cut, and the cuts are marked in the value."""
    cutter = _Cutter()
    try:
        value = json.loads(text.decode("utf-8", "replace"), parse_constant=str)
    except (ValueError, RecursionError):
        return View(cutter.cut(text.decode("utf-8", "backslashreplace")), cutter.has_cut, is_json=False)
    return View(cutter.cut(value), cutter.has_cut)


class _Cutter:
    def __init__(self) -> None:
        self.left = MOST_CHARACTERS
        self.has_cut = False

    def cut(self, value: Any, depth: int = 0) -> Any:
        """Return the value, cut to the space that is left."""
        if isinstance(value, str):
            return self._cut_text(value, LONGEST_TEXT)
        if isinstance(value, dict | list):
            if depth == DEEPEST or self.left <= 0:
                return self._mark(f"… ({len(value)} members, not shown)")
            return self._cut_object(value, depth) if isinstance(value, dict) else self._cut_list(value, depth)
        if isinstance(value, int) and abs(value) >= _SAFE:
            return str(value)
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    def _cut_object(self, members: dict[str, Any], depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name, value in members.items():
            if len(shown) == MOST_MEMBERS or self.left <= 0:
                shown["…"] = self._mark(f"{len(members) - len(shown)} more members, not shown")
                break
            shown[self._cut_text(name, _LONGEST_NAME)] = self.cut(value, depth + 1)
        return shown

    def _cut_list(self, items: list[Any], depth: int) -> list[Any]:
        shown: list[Any] = []
        for item in items:
            if len(shown) == MOST_MEMBERS or self.left <= 0:
                shown.append(self._mark(f"… ({len(items) - len(shown)} more, not shown)"))
                break
            shown.append(self.cut(item, depth + 1))
            self.left -= 1
        return shown

    def _cut_text(self, text: str, longest: int) -> str:
        longest = max(min(longest, self.left), 0)
        self.left -= min(len(text), longest)
        shown = text[:longest].encode("utf-8", "replace").decode()  # half a character cannot be sent
        return shown if len(text) <= longest else self._mark(f"{shown}… ({len(text)} characters, cut here)")

    def _mark(self, text: str) -> str:
        self.has_cut = True
        return text
