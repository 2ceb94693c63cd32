"""Decisions out of bytes: the same bytes give the same example, so a finding is a handful of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass
class Choices:
    """Takes decisions from `data`; once it is used up, every decision is the first one: the harmless one."""

    data: bytes
    position: int = 0

    def below(self, bound: int) -> int:
        """Return a number from 0 to `bound` - 1."""
        width = 1 if bound <= 256 else 4
        taken = self.data[self.position : self.position + width]
        self.position += width
        return int.from_bytes(taken) % bound

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.below(len(items))]

    def happens(self, one_in: int) -> bool:
        """Return whether something happens that happens once in so many times."""
        return self.below(one_in) == one_in - 1

    def take(self, count: int) -> bytes:
        """Return up to so many bytes."""
        taken = self.data[self.position : self.position + count]
        self.position += count
        return taken
