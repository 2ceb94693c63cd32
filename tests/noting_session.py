"""A real session that records its requests and their hosts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests


class NotingSession(requests.Session):
    """Sends like any session; `sent` holds the prepared requests in order, including those of its copies."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy."""
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over the state of the original."""
        vars(self).update(state)

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Record the request, then send it."""
        self.sent.append(request)
        return super().send(request, **kwargs)

    @property
    def asked(self) -> list[tuple[str | None, str]]:
        """Return method and path of every request."""
        return [(request.method, urlsplit(request.url or "").path) for request in self.sent]

    @property
    def hosts(self) -> set[str]:
        """Return host and port of every destination."""
        return {urlsplit(request.url or "").netloc for request in self.sent}
