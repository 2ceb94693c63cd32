"""Authentication: what proves to a vendor who asks.

As in httpx, a flow yields requests and receives their answers. It does no I/O itself: the client sends.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ci_operators.transport.vendor import Answer, Vendor

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request below the client's base URL.

    vendor: the token endpoint, if the request is for a token; its answer is checked before the flow receives it.
    base_url: of a token endpoint on another host.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: bytes | None = field(default=None, repr=False)
    content_type: str = JSON_TYPE
    header: tuple[str, str] | None = field(default=None, repr=False)
    vendor: Vendor | None = None
    base_url: str = ""


Flow = Generator[Request, Answer, None]


class Auth(Protocol):
    """Adds the proof to a request, and keeps its secret out of words."""

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with its proof, before and after it requests for tokens; the last answer counts."""

    def hide(self, words: str) -> str:
        """Return the words with "***" in place of the secret, should a vendor repeat it."""


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """An API token: the same header for every request."""

    name: str
    value: str = field(repr=False)

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with the header."""
        del now
        yield replace(request, header=(self.name, self.value))

    def hide(self, words: str) -> str:
        """Return the words without the token, whatever scheme precedes it in the header."""
        return words.replace(self.value.split()[-1], "***")


@dataclass(frozen=True, slots=True)
class NoAuth:
    """No proof. It still keeps the entries of a .netrc away."""

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request as it is."""
        del now
        yield request

    def hide(self, words: str) -> str:
        """Return the words."""
        return words
