"""What was asked of the simulator: no secret and no payload, only what a test or a reader may know."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from simulator.exchange import Call, Reply
from simulator.instants import format_us

_KEPT: Final = 50_000
_SECRETS: Final = ("token", "secret", "password", "apikey", "api_key", "authorization")


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """One request; `status` None: the connection was dropped. `entries`: rows answered or detections sent."""

    vendor: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int | None
    at: int
    fault: str | None
    entries: int | None
    debug: bool | None
    user_agent: str | None

    def to_json(self) -> dict[str, Any]:
        """Returns the entry as the control API shows it."""
        return {
            "vendor": self.vendor,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "status": self.status,
            "time": format_us(self.at),
            "fault": self.fault,
            "entries": self.entries,
            "debug": self.debug,
            "user_agent": self.user_agent,
        }


class RequestLog:
    """The latest requests to the vendors' paths, in order."""

    def __init__(self) -> None:
        self._entries: deque[RequestEntry] = deque(maxlen=_KEPT)

    @property
    def entries(self) -> list[RequestEntry]:
        """A copy of the entries."""
        return list(self._entries)

    def record(self, vendor: str, call: Call, reply: Reply | None, fault: str | None) -> None:
        """Adds a request with its answer (None: dropped)."""
        facts = {} if reply is None else reply.facts
        self._entries.append(
            RequestEntry(
                vendor=vendor,
                method=call.method,
                path=call.path,
                query=tuple((name, _masked(name, text)) for name, text in call.pairs),
                status=None if reply is None else reply.status,
                at=call.now,
                fault=fault,
                entries=facts.get("entries"),
                debug=facts.get("debug"),
                user_agent=call.headers.get("user-agent"),
            )
        )

    def clear(self) -> None:
        """Forgets all requests."""
        self._entries.clear()


def _masked(name: str, text: str) -> str:
    return "***" if any(secret in name.lower() for secret in _SECRETS) else text
