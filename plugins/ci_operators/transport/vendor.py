"""How a vendor speaks: its name, its answers, its words for an error, its way to ask for patience."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor answered."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's API, or its token endpoint.

    explain: the vendor's own message in an error body, "" if there is none.
    cooldown: seconds to wait after a 429, None if its headers do not say.
    credentials_hint, permission_hint: what a person should do about 401 and 403.
    mend: what a person should do about a refusal (4xx) that the vendor names, "" if that is not known.
    headers: what each request has beside the usual headers.
    """

    title: str
    explain: Callable[[bytes], str]
    cooldown: Callable[[Headers, float], float | None]
    credentials_hint: str
    permission_hint: str
    mend: Callable[[int, bytes], str] = lambda _status, _body: ""
    headers: Headers = field(default_factory=dict)


def read_error(body: bytes, pick: Callable[[Any], Iterable[object]]) -> str:
    """Return the texts and numbers that `pick` takes from an error's JSON; "" for a body of another shape."""
    try:
        parts = list(pick(json.loads(body)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return ": ".join(str(part) for part in parts if part and isinstance(part, str | int))
