"""Recorded Future's error answers: `{"message": ...}` (Collective Insights API reference)."""

from __future__ import annotations

from typing import Final

from simulator.exchange import RefusalError, Reply, json_reply

_MESSAGES: Final = {
    400: "Bad request",
    401: "Invalid token",
    403: "The token lacks the permission for this request",
    404: "Not found",
    405: "Method not allowed",
    413: "Request body too large",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


def status_error(status: int, message: str | None = None) -> Reply:
    """Return an error answer with the vendor's message for the status, or another one."""
    return json_reply(status, {"message": message or _MESSAGES.get(status, "Error")})


def refused(status: int, message: str | None = None) -> RefusalError:
    """Return the refusal with a status."""
    return RefusalError(status_error(status, message))
