"""The access tokens of a simulated token endpoint, and the forms by which clients ask for them."""

from __future__ import annotations

import secrets
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl

from simulator.exchange import Call
from simulator.instants import SECOND

FORM_TYPE: Final = "application/x-www-form-urlencoded"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Right = TypeVar("Right")


class AccessTokens(Generic[Right]):
    """Issues access tokens, and remembers what each allows."""

    def __init__(self) -> None:
        self._grants: dict[str, tuple[Right, int]] = {}

    def issue(self, right: Right, now: int, life_s: int, prefix: str = "") -> str:
        """Return a new token that ends after its life."""
        token = prefix + secrets.token_urlsafe(48)
        self._grants[token] = (right, now + life_s * SECOND)
        return token

    def find(self, call: Call) -> Right | None:
        """Return what the bearer token of a request allows, None if it is unknown or expired."""
        right, ends_at = self._grants.get(call.credentials("Bearer"), (None, 0))
        return right if call.now < ends_at else None

    @property
    def issued(self) -> list[str]:
        """Return the tokens so far: a test searches for them where none may appear."""
        return list(self._grants)

    def revoke_all(self) -> None:
        """Forget every token before it expires."""
        self._grants.clear()


def read_form(call: Call) -> dict[str, str] | None:
    """Return the members of a form in the body, none of them if one is repeated; None if there is no form alone."""
    if call.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE or call.query:
        return None
    pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(pairs) if len(dict(pairs)) == len(pairs) else {}
