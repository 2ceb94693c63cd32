"""Recorded Future's API in memory, behind a session: a script decides the outcome of each submission."""

from __future__ import annotations

import io
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ci_operators.core.errors import CollectiveInsightsError
from tests.faults.line import Identity, identity

#: The outcome of a submission: stored and answered; stored, the answer lost; lost on the way; counted wrongly, half
#: of it stored; refused for a moment; for an hour; for the day; as too large; the task killed before, or after, it is
#: stored; refused for the token; the task's session of the ledger ended meanwhile; and another run of the connector
#: has taken over, before or after it is stored.
Fate = Literal[
    "ok",
    "lost answer",
    "lost",
    "half",
    "busy",
    "429",
    "day",
    "413",
    "killed before",
    "killed after",
    "401",
    "session lost",
    "taken over before",
    "taken over after",
]
FATES: tuple[Fate, ...] = get_args(Fate)
_STATUSES = {"busy": 429, "429": 429, "day": 429, "413": 413, "401": 401}


class KilledError(BaseException):
    """Represents SIGKILL: our code must not catch it."""


@dataclass
class ScriptedApi(HTTPAdapter):
    """Answers submissions and searches.

    is_bad: what the API refuses. may_search: whether the token can search. lose_session, take_over: called for the task
    that submits. today: the day that a submission is charged to.
    """

    is_bad: Callable[[Identity], bool]
    may_search: bool = False
    lose_session: Callable[[], None] = lambda: None
    take_over: Callable[[], None] = lambda: None
    today: Callable[[], date] = lambda: date.min
    fates: deque[Fate] = field(default_factory=deque)
    stored: Counter[Identity] = field(default_factory=Counter)
    times: dict[Identity, str] = field(default_factory=dict)
    #: Detections that it refused as too large although they were sent alone.
    too_large: set[Identity] = field(default_factory=set)
    #: Detections that it counted wrongly; they may be stored or not.
    miscounted: set[Identity] = field(default_factory=set)
    #: Detections of live submissions that were stored, or that the sender has to treat as stored, by day.
    charged: Counter[date] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Answer one request."""
        del arguments, named
        body = json.loads(request.body or b"")
        if (request.url or "").endswith("/search"):
            return self._search(request)
        self.times.update({identity(entry): entry["timestamp"] for entry in body["data"]})
        sent = [identity(entry) for entry in body["data"]]
        bad = [number for number, one in enumerate(sent) if self.is_bad(one)]
        if body["options"]["debug"]:
            return self._refuse(request, bad) if bad else self._accept(request, sent, debug=True)
        return self._decide(request, sent, bad)

    def _decide(self, request: requests.PreparedRequest, sent: list[Identity], bad: list[int]) -> requests.Response:
        fate = self.fates.popleft() if self.fates else "ok"
        if fate == "413" and len(sent) == 1:
            self.too_large.update(sent)
        if fate in _STATUSES:
            message = "The daily limit is reached" if fate == "day" else "No"
            wait = {"Retry-After": "2" if fate == "busy" else "3600"}
            return _answer(request, _STATUSES[fate], {"message": message}, wait)
        if fate == "killed before":
            raise KilledError
        if bad and fate != "lost":
            return self._refuse(request, bad)
        self.charged[self.today()] += len(sent)
        self._strike(fate, ("session lost", "taken over before"))
        self.stored.update(sent[: len(sent) // 2] if fate == "half" else [] if fate == "lost" else sent)
        if fate == "half":
            self.miscounted.update(sent)
        self._strike(fate, ("taken over after",))
        if fate == "killed after":
            raise KilledError
        if fate in ("lost", "lost answer"):
            raise requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted."))
        return self._accept(request, sent[: len(sent) // 2] if fate == "half" else sent, debug=False)

    def _strike(self, fate: Fate, fates: tuple[Fate, ...]) -> None:
        """Let the task lose its session in one of these ways."""
        if fate in fates:
            self.lose_session()
            if fate != "session lost":
                self.take_over()

    def _accept(self, request: requests.PreparedRequest, sent: list[Identity], *, debug: bool) -> requests.Response:
        processed = Counter(kind for _, kind, _ in sent)
        return _answer(request, 200, {"result": {"status": "OK", "debug": debug, "summary": {"processed": processed}}})

    def _refuse(self, request: requests.PreparedRequest, bad: list[int]) -> requests.Response:
        return _answer(request, 400, {"message": f"data[{bad[0]}] is bad"})

    def _search(self, request: requests.PreparedRequest) -> requests.Response:
        if not self.may_search:
            return _answer(request, 403, {"message": "No"})
        found = [
            {
                "indicator": {"type": one[1], "value": one[2]},
                "incident": {"id": one[0]},
                "detection_time": self.times[one],
            }
            for one in self.stored.elements()
        ]
        return _answer(request, 200, {"data": found})


def _answer(
    request: requests.PreparedRequest, status: int, body: Any, headers: dict[str, str] | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, request.url or ""
    response.headers.update(headers or {})
    response.raw = io.BytesIO(json.dumps(body).encode())
    return response


def is_ours(error: BaseException) -> bool:
    """Return whether an error is allowed at the end of a task."""
    return isinstance(error, CollectiveInsightsError | KilledError)
