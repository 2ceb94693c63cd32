"""Decisions of an example, drawn by Hypothesis; each shrinks towards the first one, the harmless one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

Item = TypeVar("Item")


class Choices:
    """Draws decisions. Without data every decision is the first one."""

    def __init__(self, data: st.DataObject | None = None) -> None:
        self._data = data

    def below(self, bound: int) -> int:
        """Return a number from 0 to `bound` - 1."""
        return self._data.draw(st.integers(0, bound - 1)) if self._data else 0

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.below(len(items))]

    def happens(self, one_in: int) -> bool:
        """Return True once in `one_in` draws."""
        return self.below(one_in) == one_in - 1

    def take(self, count: int) -> bytes:
        """Return up to so many bytes."""
        return self._data.draw(st.binary(max_size=count)) if self._data else b""
