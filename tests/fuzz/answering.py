"""A session whose answers are generated in this process: bodies, headers and broken connections of any kind."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError

from tests.fuzz.choices import Choices
from tests.fuzz.odd import odd_headers

STATUSES = (200, 400, 401, 403, 404, 413, 429, 500, 502, 503, 201, 202, 204, 207, 302, 304, 308, 418, 100, 599, 999)
URL = "http://127.0.0.1:9"
#: More requests than any example needs, so a client that exceeds this is in an endless loop.
ENOUGH_REQUESTS = 400


@dataclass(frozen=True)
class Reply:
    """An answer, or an error in its place."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""


#: Gives the answer to a request.
Answerer = Callable[[requests.PreparedRequest], Reply]


class Answering(HTTPAdapter):
    """Replaces the network under requests."""

    def __init__(self, answer: Answerer) -> None:
        super().__init__()
        self.answer = answer
        self.count = 0

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Answer one request."""
        del arguments, named
        self.count += 1
        assert self.count <= ENOUGH_REQUESTS, "it asks on and on"
        assert (request.url or "").startswith(f"{URL}/"), f"a request leaves for {request.url}"
        reply = self.answer(request)
        if reply.broken == "refused":
            raise requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted."))
        if reply.broken == "slow":
            raise requests.ReadTimeout("Read timed out.")
        body: Any = io.BytesIO(reply.body)
        if reply.broken == "cut":
            body = _Cut(reply.body)
        raw = urllib3.HTTPResponse(body, dict(reply.headers), reply.status, preload_content=False)
        return self.build_response(request, raw)


class _Cut(io.BytesIO):
    """A connection that ends in the middle."""

    def read(self, size: int | None = -1) -> bytes:
        """Return a first half, then fail."""
        if self.tell():
            raise ProtocolError("Connection broken")
        return super().read(max(1, len(self.getvalue()) // 2))


def open_session(answer: Answerer) -> requests.Session:
    """Return a session with these answers."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, Answering(answer))
    return session


def spoil(body: bytes, headers: Mapping[str, str], choices: Choices) -> Reply:
    """Return the answer with another status, other headers, or broken; mostly unchanged."""
    if choices.happens(24):
        return Reply(broken=choices.pick(("refused", "slow", "cut")), body=body)
    status = choices.pick(STATUSES) if choices.happens(8) else 200
    own = odd_headers(choices) if choices.happens(4) else {}
    if choices.happens(16):
        packed = gzip.compress(body)
        body, own = packed[: len(packed) - choices.below(8)], {**own, "Content-Encoding": "gzip"}
    return Reply(status, body, {**headers, **own})
