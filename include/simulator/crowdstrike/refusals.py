"""CrowdStrike's error answers: `{"meta", "errors": [{"code", "message"}], "resources"}`."""

from __future__ import annotations

from typing import Any, Final

from simulator.exchange import RefusalError, Reply, json_reply

TRACE_ID: Final = "5f1c1f4e-0000-4000-a000-51a0c8a7e001"
_MESSAGES: Final = {
    400: "invalid request",
    401: "access denied, invalid bearer token",
    403: "access denied, authorization failed",
    404: "404: Page Not Found",
    405: "Method Not Allowed",
    413: "request too large",
    429: "API rate limit exceeded.",
    500: "Internal Server Error: Please provide trace-id to support",
}


def make_meta(**members: Any) -> dict[str, Any]:
    """Return the `meta` of an answer."""
    return {"query_time": 0.021, "powered_by": "detectsapi", "trace_id": TRACE_ID, **members}


def status_error(status: int, message: str = "") -> Reply:
    """Return the answer that CrowdStrike usually gives with a status."""
    text = message or _MESSAGES.get(status, "Internal Server Error: Please provide trace-id to support")
    return json_reply(status, {"meta": make_meta(), "errors": [{"code": status, "message": text}], "resources": []})


def refuse(message: str, status: int = 400) -> RefusalError:
    """Return the refusal of a request that does not follow the reference."""
    return RefusalError(status_error(status, message))
