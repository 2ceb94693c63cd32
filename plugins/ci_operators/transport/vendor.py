"""A vendor's API: its name, its answers, its errors, and its rate limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's answer."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's API, or its token endpoint.

    explain: the vendor's own message in an error body, "" if there is none.
    cooldown: seconds to wait after a 429, None if its headers do not say.
    credentials_hint, permission_hint: what a person should do about 401 and 403.
    fix: what a person should do about an error (4xx) that the vendor names, "" if that is not known.
    headers: what each request has in addition to the usual headers.
    success: the statuses that the caller reads; every other status is an error.
    """

    title: str
    explain: Callable[[bytes], str]
    cooldown: Callable[[Headers, float], float | None]
    credentials_hint: str
    permission_hint: str
    fix: Callable[[int, bytes], str] = lambda _status, _body: ""
    headers: Headers = field(default_factory=dict)
    success: frozenset[int] = frozenset({200})


def read_error(body: bytes, pick: Callable[[Any], Iterable[object]]) -> str:
    """Return the texts and numbers that `pick` takes from an error's JSON, "" for a body of another shape."""
    try:
        parts = list(pick(json.loads(body)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return ": ".join(str(part) for part in parts if part and isinstance(part, str | int))


def read_text_error(body: bytes) -> str:
    """Return an error in plain text, "" for an HTML page."""
    text = body.decode("utf-8", "replace").strip()
    return "" if text.startswith("<") else text
