"""Authentication: what a request proves to a vendor.

As in httpx, a flow yields requests and receives their answers. The client sends them: a flow does no I/O.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ci_operators.transport.vendor import Answer, Vendor

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request below the client's base URL.

    vendor: the token endpoint, if this is a token request; its answer is checked before the flow receives it.
    base_url: the base URL of a token endpoint on another host.
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
    """Authenticates requests, and hides its secret in texts."""

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with its proof, and token requests before and after it; the last answer counts."""

    def hide(self, words: str) -> str:
        """Return the text with "***" instead of the secret, in case a vendor repeats it."""


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """An API token, with the same header for every request."""

    name: str
    value: str = field(repr=False)

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with the header."""
        del now
        yield replace(request, header=(self.name, self.value))

    def hide(self, words: str) -> str:
        """Return the text without the token, whatever its scheme in the header."""
        return words.replace(self.value.split()[-1], "***")


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """HTTP Basic (RFC 7617): a user and a password in the header of each request."""

    user: str
    password: str = field(repr=False)

    @property
    def encoded(self) -> str:
        """Return both as they are in the header."""
        return b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with the header."""
        del now
        yield replace(request, header=("Authorization", f"Basic {self.encoded}"))

    def hide(self, words: str) -> str:
        """Return the text without the password, in plain text or as in the header."""
        return words.replace(self.encoded, "***").replace(self.password, "***")


@dataclass(frozen=True, slots=True)
class NoAuth:
    """No authentication. Entries of a .netrc are still ignored."""

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request unchanged."""
        del now
        yield request

    def hide(self, words: str) -> str:
        """Return the text unchanged."""
        return words
