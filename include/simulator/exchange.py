"""One HTTP exchange as plain values, so that the vendors' code does not depend on a web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

JSON_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `headers` has lower-case names; `now` is the simulator's clock in microseconds."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    origin: str
    now: int

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return the decoded query, with repetitions, in order."""
        return parse_qsl(self.query, keep_blank_values=True)

    def credentials(self, scheme: str) -> str:
        """Return what is in the Authorization header behind this scheme, "" for another scheme."""
        given, _, text = self.headers.get("authorization", "").partition(" ")
        return text if given == scheme else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `headers` can repeat a name. `facts` goes to the request log, never to the client."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON_TYPE
    facts: Mapping[str, Any] = field(default_factory=dict)


def json_reply(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return an answer whose body is `value` as JSON."""
    return Reply(status, orjson.dumps(value), headers)


class RefusalError(Exception):
    """The vendor's contract refuses a request; carries the complete answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with status {reply.status}")
        self.reply = reply


def decode_element(element: object) -> tuple[Any, bytes]:
    """Return an element decoded (None if its raw bytes are not JSON), and as the bytes to serve."""
    if not isinstance(element, bytes):
        return element, orjson.dumps(element)
    try:
        return orjson.loads(element), element
    except orjson.JSONDecodeError:
        return None, element
