"""What proves to a vendor who asks: a header that stays, or one that has to be fetched and ends some time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Authoriser(Protocol):
    """Gives the header of a request, and keeps its secret out of words."""

    def header(self) -> tuple[str, str] | None:
        """Return name and value of the header, if there is one; may ask for a token first, with the tree's errors."""

    def renew(self) -> bool:
        """Return whether another header may help where the vendor refused this one (401)."""

    def hide(self, words: str) -> str:
        """Return the words with "***" in place of the secret, should a vendor repeat it."""


@dataclass(frozen=True, slots=True)
class FixedHeader:
    """An API token: the same header for every request."""

    name: str
    value: str = field(repr=False)

    def header(self) -> tuple[str, str]:
        """Return name and value of the header."""
        return self.name, self.value

    def renew(self) -> bool:
        """Return False: there is no other token."""
        return False

    def hide(self, words: str) -> str:
        """Return the words without the token, whatever scheme stands before it in the header."""
        return words.replace(self.value.split()[-1], "***")


@dataclass(frozen=True, slots=True)
class NoHeader:
    """Nothing: the request itself proves who asks. It keeps the entries of a .netrc away too.

    secret: by which it proves it, if that stands in its body.
    """

    secret: str = field(default="", repr=False)

    def header(self) -> None:
        """Return nothing to set."""

    def renew(self) -> bool:
        """Return False."""
        return False

    def hide(self, words: str) -> str:
        """Return the words without the secret."""
        return words.replace(self.secret, "***") if self.secret else words
