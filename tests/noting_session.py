"""A real session that remembers what it sent, and to whom."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests


class NotingSession(requests.Session):
    """Sends as any session does; `sent` holds the prepared requests in order."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Remember the request, then send it."""
        self.sent.append(request)
        return super().send(request, **kwargs)

    @property
    def hosts(self) -> set[str]:
        """Return host and port of everyone who was sent something."""
        return {urlsplit(request.url or "").netloc for request in self.sent}
