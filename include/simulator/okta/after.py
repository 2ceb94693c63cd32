"""The `after` token: opaque to the client, sealed, and tied to the request it continues."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from simulator.exchange import Call
from simulator.okta.log_query import LogQuery
from simulator.okta.refusals import invalid

Position = tuple[int, int]
_SEAL: Final = 8


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a page ended: the period of the first request and the place of the last record.

    turn: tells the token of an empty page from the one before, at the same place.
    """

    since: int
    until: int
    position: Position
    turn: int = 0


def encode_after(query: LogQuery, continuation: Continuation) -> str:
    """Returns the token; a bounded one also seals `since` and `until`, so neither can be changed."""
    numbers = (continuation.since, continuation.until, *continuation.position, continuation.turn)
    plain = ",".join(map(str, numbers)).encode()
    return base64.urlsafe_b64encode(_seal(plain, _bindings(query)) + plain).decode().rstrip("=")


def resume(query: LogQuery) -> tuple[LogQuery, Position]:
    """Returns the query with the period of its first request, and the place to go on from."""
    token = query.after or ""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise invalid("after", "after: the cursor is not valid") from None
    seal, plain = raw[:_SEAL], raw[_SEAL:]
    if seal != _seal(plain, _bindings(query)):
        raise invalid("after", "after: the cursor does not belong to this request")
    since, until, moment, serial, _ = map(int, plain.split(b","))
    return replace(query, since=since, until=until), (moment, serial)


def page_url(call: Call, query: LogQuery, after: str) -> str:
    """Returns the URL of the page at a token, as a next link shows it (`since` only if bounded)."""
    names = (
        ("filter", "q", "sortOrder", "limit")
        if query.is_polling
        else ("since", "until", "filter", "q", "sortOrder", "limit")
    )
    kept = [(name, query.given[name]) for name in names if name in query.given]
    return f"{call.origin}{call.path}?{urlencode([*kept, ('after', after)], safe=',')}"


def _bindings(query: LogQuery) -> str:
    names = ("filter", "q", "sortOrder") if query.is_polling else ("since", "until", "filter", "q", "sortOrder")
    period = () if not query.is_polling or query.after is None else (("since", query.given.get("since")),)
    bound = [(name, query.given.get(name)) for name in names]
    return repr((query.is_polling, bound, [pair for pair in period if pair[1] is not None]))


def _seal(plain: bytes, bindings: str) -> bytes:
    return hashlib.blake2b(
        plain, key=b"simulator", person=b"okta-after", digest_size=_SEAL, salt=_salt(bindings)
    ).digest()


def _salt(bindings: str) -> bytes:
    return hashlib.blake2b(bindings.encode(), digest_size=16).digest()
